Feature: Tender with sealed bids
  Bids are sealed until the time is over; then they are opened, and the lowest is awarded, or none.

  # survives: patch-flipped $.actions.publish.responses.ok.update.patch: There is one tender, and nothing before it to add to.
  # survives: patch-flipped $.actions.award.responses.ok.update.patch: There is one award, and nothing before it to add to.
  # survives: patch-flipped $.actions.award_nobody.responses.ok.update.patch: There is one reason, and nothing before it to add to.

  Background:
    Given a chain is created by "Bea"
    And "Bea" creates the "main" process using the "tender" scenario
    And "Bea" is the "buyer" actor
    And "Ben" is the "bidder_1" actor with:
      | name | Ben |
    And "Cas" is the "bidder_2" actor with:
      | name | Cas |
    And "Dan" is the "bidder_3" actor with:
      | name | Dan |
    And "Eva" is the "bidder_4" actor with:
      | name | Eva |
    And "Fay" is the "bidder_5" actor with:
      | name | Fay |
    And "Gus" is the "bidder_6" actor with:
      | name | Gus |

  Scenario: Nothing is published after all
    Then the possible actions are:
      | publish  | buyer |
      | withdraw | buyer |
    When "Bea" runs the "withdraw" action
    Then the process is cancelled

  Scenario: A tender says how long bids are taken
    Then "Bea" cannot run the "publish" action with:
      | subject     | A bridge             |
      | description | Of oak, for bicycles |
      | currency    | EUR                  |
      | days        | 0                    |
      | law         | the Netherlands      |

  Rule: Bids are taken

    Background:
      Given "Bea" runs the "publish" action with:
        | subject     | A bridge             |
        | description | Of oak, for bicycles |
        | currency    | EUR                  |
        | days        | 20                   |
        | law         | the Netherlands      |

    Scenario: Everybody bids, and opens; the lowest wins
      Then the process is in the "bidding" state
      And the process has asset "tender" with:
        | subject | A bridge |
        | days    | 20       |
      And the possible actions are:
        | bid      | bidder_1, bidder_2, bidder_3, bidder_4, bidder_5, bidder_6 |
        | withdraw | buyer                                                      |
      And "Ben" cannot run the "bid" action with:
        | sealed | 061aaf820bab289dde2d80b76c0d19c6f4671515b66bb3835a0154ad1402aebb |
        | opened | true                                                             |
      When "Ben" runs the "bid" action with:
        | sealed | 061aaf820bab289dde2d80b76c0d19c6f4671515b66bb3835a0154ad1402aebb |
      And "Cas" runs the "bid" action with:
        | sealed | a1a45212b2655881fe60c7816bc6555de768c4eb6a0ea99cb21d9101e982e72c |
      And "Dan" runs the "bid" action with:
        | sealed | e08a6e1b947629d8293dcef3162f0642f364d708dd465b0a1f2b132b203b7517 |
      And "Eva" runs the "bid" action with:
        | sealed | 25f42ceaeb6de2884113a6d4539bbc915a4e59227ee29e4400d3b3933507f7df |
      And "Fay" runs the "bid" action with:
        | sealed | 446f1890c753441c3f58316fbb5aae43ec57af8046109d8aa4528eca7c01dd70 |
      And "Gus" runs the "bid" action with:
        | sealed | 3189ad1e6e43a580f48d43281b280bb3ffdec66605753bf85bbf861ad6c43755 |
      Then the "bidder_1" actor has:
        | sealed | 061aaf820bab289dde2d80b76c0d19c6f4671515b66bb3835a0154ad1402aebb |
        | name   | Ben                                                              |
      When 19 days pass
      Then the process is in the "bidding" state
      When 1 day passes
      Then the process is in the "opening" state
      And the possible actions are:
        | open | bidder_1, bidder_2, bidder_3, bidder_4, bidder_5, bidder_6 |
      When "Gus" runs the "open" action with:
        | price | 25000                              |
        | salt  | "66666666666666666666666666666666" |
      And "Fay" runs the "open" action with:
        | price | 17300                              |
        | salt  | "55555555555555555555555555555555" |
      And "Eva" runs the "open" action with:
        | price | 18000                              |
        | salt  | "44444444444444444444444444444444" |
      And "Dan" runs the "open" action with:
        | price | 21000                              |
        | salt  | "33333333333333333333333333333333" |
      And "Cas" runs the "open" action with:
        | price | 17250.5                            |
        | salt  | "22222222222222222222222222222222" |
      Then the process is in the "opening" state
      And the "bidder_6" actor has:
        | opened | true |
        | name   | Gus  |
      And "Gus" cannot run the "open" action
      And the process has:
        | assets.bids.0.bidder | bidder_6 |
        | assets.bids.0.title  | Bidder 6 |
        | assets.bids.0.price  | 25000    |
      When "Ben" runs the "open" action with:
        | price | 19900                              |
        | salt  | "11111111111111111111111111111111" |
      Then the process is in the "awarding" state
      And the possible actions are:
        | award        | buyer |
        | award_nobody | buyer |
      When "Bea" runs the "award" action
      Then the process is completed
      And the process has asset "award" with:
        | bidder | bidder_2 |
        | title  | Bidder 2 |
        | price  | 17250.5  |

    Scenario: A bid is replaced before the time is over
      When "Eva" runs the "bid" action with:
        | sealed | 25f42ceaeb6de2884113a6d4539bbc915a4e59227ee29e4400d3b3933507f7df |
      And "Eva" runs the "bid" action with:
        | sealed | c288ee6ddf2ee547e5d20f820871a52ead29081e50464ffa520e38259597b5c9 |
      And 20 days pass
      And "Eva" runs the "open" action with:
        | price | 16000                              |
        | salt  | "44444444444444444444444444444444" |
      Then the process is in the "awarding" state

    Scenario: The buyer withdraws before the time is over
      Given "Ben" runs the "bid" action with:
        | sealed | 061aaf820bab289dde2d80b76c0d19c6f4671515b66bb3835a0154ad1402aebb |
      When "Bea" runs the "withdraw" action
      Then the process is cancelled

    Scenario: Without a bid it has failed
      When 19 days pass
      Then the process is in the "bidding" state
      When 1 day passes
      Then the process has failed

  Rule: Bids are opened

    Background:
      Given "Bea" runs the "publish" action with:
        | subject     | A bridge             |
        | description | Of oak, for bicycles |
        | currency    | EUR                  |
        | days        | 20                   |
        | law         | the Netherlands      |
      And "Ben" runs the "bid" action with:
        | sealed | 061aaf820bab289dde2d80b76c0d19c6f4671515b66bb3835a0154ad1402aebb |
      And "Cas" runs the "bid" action with:
        | sealed | a1a45212b2655881fe60c7816bc6555de768c4eb6a0ea99cb21d9101e982e72c |
      And 20 days pass

    Scenario: Nobody opens what they have not sealed
      Then "Dan" cannot run the "open" action
      And "Ben" cannot run the "open" action with:
        | price | 19900 |
        | salt  | "11"  |
      And "Ben" cannot run the "open" action with:
        | price  | 19900                              |
        | salt   | "11111111111111111111111111111111" |
        | remark | With tax                           |

    Scenario: Another price than the sealed one is not taken, whatever it is called
      When "Ben" runs the "open" action giving an "opened" response with:
        | price | 12000                              |
        | salt  | "11111111111111111111111111111111" |
      Then the process is in the "opening" state
      And the process has:
        | assets.bids.0 | null |
      And "Ben" may run the "open" action
      And the process has:
        | previous.4.key | wrong |
      And "Ben" cannot run the "open" action giving a "wrong" response with:
        | price | -1                                 |
        | salt  | "11111111111111111111111111111111" |

    Scenario: Who does not open within three days is out
      Given "Ben" runs the "open" action with:
        | price | 19900                              |
        | salt  | "11111111111111111111111111111111" |
      When 2 days pass
      Then the process is in the "opening" state
      When 1 day passes
      Then the process is in the "awarding" state
      When "Bea" runs the "award" action
      Then the process has asset "award" with:
        | bidder | bidder_1 |

    Scenario: Nobody opens
      When 2 days pass
      Then the process is in the "opening" state
      When 1 day passes
      Then the process has failed

  Rule: The buyer decides

    Background:
      Given "Bea" runs the "publish" action with:
        | subject     | A bridge             |
        | description | Of oak, for bicycles |
        | currency    | EUR                  |
        | days        | 20                   |
        | law         | the Netherlands      |
      And "Ben" runs the "bid" action with:
        | sealed | 061aaf820bab289dde2d80b76c0d19c6f4671515b66bb3835a0154ad1402aebb |
      And "Cas" runs the "bid" action with:
        | sealed | a1a45212b2655881fe60c7816bc6555de768c4eb6a0ea99cb21d9101e982e72c |
      And 20 days pass
      And "Ben" runs the "open" action with:
        | price | 19900                              |
        | salt  | "11111111111111111111111111111111" |
      And "Cas" runs the "open" action with:
        | price | 17250.5                            |
        | salt  | "22222222222222222222222222222222" |

    Scenario: The buyer awards to nobody, and says why
      Then "Bea" cannot run the "award_nobody" action with:
        | reason |  |
      When "Bea" runs the "award_nobody" action with:
        | reason | All are too dear. |
      Then the process has failed
      And the process has asset "reason" with:
        | reason | All are too dear. |

    Scenario: Without an award in 30 days the bids lapse
      When 29 days pass
      Then the process is in the "awarding" state
      When 1 day passes
      Then the process is cancelled
