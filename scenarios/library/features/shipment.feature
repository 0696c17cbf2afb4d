Feature: Shipment
  Goods leave the country once their export is licensed, and the buyer confirms that they have come.

  # survives: patch-flipped $.actions.announce.responses.ok.update[0].patch: There is one cargo, and nothing before it to add to.
  # survives: patch-flipped $.actions.announce.responses.ok.update[1].patch: There is one application then, and nothing before it to add to.
  # survives: patch-flipped $.actions.take_licence.responses.licensed.update.patch: One licence is taken, and nothing stands there before.
  # survives: patch-flipped $.actions.take_refusal.responses.refused.update.patch: One refusal is taken, and nothing stands there before.
  # survives: patch-flipped $.actions.apply_again.responses.ok.update.patch: The name of the process is all there is, and is replaced either way.
  # survives: patch-flipped $.actions.ship.responses.ok.update.patch: It is shipped once, and nothing stands there before.

  Background:
    Given a chain is created by "Elli"
    And "Elli" creates the "main" process using the "shipment" scenario
    And "Elli" is the "exporter" actor
    And "Bo" is the "buyer" actor
    And "Customs" is the "authority" actor

  Scenario: Nothing is shipped after all
    Then the possible actions are:
      | announce | exporter |
      | withdraw | exporter |
    When "Elli" runs the "withdraw" action
    Then the process is cancelled

  Scenario: A cargo is described, with where it goes
    Then "Elli" cannot run the "announce" action with:
      | goods       | Night vision goggles |
      | code        | "90138000"           |
      | quantity    | 0                    |
      | unit        | pieces               |
      | destination | CA                   |
      | address     | Toronto              |
      | licence     | licence              |

  Rule: A cargo is announced

    Background:
      Given "Elli" runs the "announce" action with:
        | goods       | Night vision goggles |
        | code        | "90138000"           |
        | quantity    | 40                   |
        | unit        | pieces               |
        | destination | CA                   |
        | address     | Toronto              |
        | licence     | licence              |

    Scenario: The buyer agrees, and the authority is waited for
      Then the process is in the "announced" state
      And the process has asset "cargo" with:
        | goods    | Night vision goggles |
        | quantity | 40                   |
      And the process has asset "application" with:
        | licence | licence |
      And the possible actions are:
        | agree    | buyer    |
        | decline  | buyer    |
        | withdraw | exporter |
      When "Bo" runs the "agree" action
      Then the process is in the "waiting" state
      And the possible actions are:
        | take_licence | authority |
        | take_refusal | authority |

    Scenario: The buyer declines
      When "Bo" runs the "decline" action
      Then the process has failed

    Scenario: The exporter withdraws
      When "Elli" runs the "withdraw" action
      Then the process is cancelled

    Scenario: An announcement lapses after two weeks
      When 13 days pass
      Then the process is in the "announced" state
      When 1 day passes
      Then the process is cancelled

    Scenario: An authority that says nothing for 60 days lets the shipment lapse
      Given "Bo" runs the "agree" action
      When 59 days pass
      Then the process is in the "waiting" state
      When 1 day passes
      Then the process is cancelled

    Scenario: The licence is refused
      Given "Bo" runs the "agree" action
      Then "Customs" cannot run the "take_refusal" action with:
        | process | licence |
        | reason  |         |
      When "Customs" runs the "take_refusal" action with:
        | process | licence            |
        | reason  | Not to this buyer. |
      Then the process has failed
      And the process has asset "refusal" with:
        | reason | Not to this buyer. |

  Rule: What is licensed has to be this cargo

    Background:
      Given "Elli" runs the "announce" action with:
        | goods       | Night vision goggles |
        | code        | "90138000"           |
        | quantity    | 40                   |
        | unit        | pieces               |
        | destination | CA                   |
        | address     | Toronto              |
        | licence     | licence              |
      And "Bo" runs the "agree" action

    Scenario Outline: A licence for <what> is <response>
      When "Customs" runs the "take_licence" action with:
        | process     | <process>     |
        | number      | X-1           |
        | code        | "<code>"      |
        | quantity    | <quantity>    |
        | unit        | <unit>        |
        | destination | <destination> |
        | valid_until | 2026-12-31    |
      Then the process is in the "<state>" state

      Examples:
        | what                | process | code     | quantity | unit   | destination | response | state    |
        | this cargo          | licence | 90138000 | 40       | pieces | CA          | taken    | licensed |
        | more than it        | licence | 90138000 | 50       | pieces | CA          | taken    | licensed |
        | less than it        | licence | 90138000 | 39       | pieces | CA          | unfit    | unfit    |
        | another application | other   | 90138000 | 40       | pieces | CA          | unfit    | unfit    |
        | other goods         | licence | 90139000 | 40       | pieces | CA          | unfit    | unfit    |
        | another unit        | licence | 90138000 | 40       | crates | CA          | unfit    | unfit    |
        | another country     | licence | 90138000 | 40       | pieces | US          | unfit    | unfit    |

    Scenario: A licence has its number and its end
      Then "Customs" cannot run the "take_licence" action with:
        | process     | licence    |
        | number      | X-1        |
        | code        | "90138000" |
        | quantity    | 40         |
        | unit        | pieces     |
        | destination | CA         |

    Scenario: The refusal of another application is none of this one
      When "Customs" runs the "take_refusal" action with:
        | process | other              |
        | reason  | Not to this buyer. |
      Then the process is in the "unfit" state
      And the possible actions are:
        | apply_again | exporter |
        | decline     | buyer    |
        | withdraw    | exporter |

  Rule: What was licensed does not fit

    Background:
      Given "Elli" runs the "announce" action with:
        | goods       | Night vision goggles |
        | code        | "90138000"           |
        | quantity    | 40                   |
        | unit        | pieces               |
        | destination | CA                   |
        | address     | Toronto              |
        | licence     | licence              |
      And "Bo" runs the "agree" action
      And "Customs" runs the "take_refusal" action with:
        | process | other              |
        | reason  | Not to this buyer. |

    Scenario: The exporter applies again
      Then "Elli" cannot run the "apply_again" action with:
        | licence |  |
      When "Elli" runs the "apply_again" action with:
        | licence | second |
      Then the process is in the "waiting" state
      And the process has asset "application" with:
        | licence | second |

    Scenario: The buyer leaves
      When "Bo" runs the "decline" action
      Then the process has failed

    Scenario: The exporter leaves
      When "Elli" runs the "withdraw" action
      Then the process is cancelled

    Scenario: Nobody applies again within two weeks
      When 13 days pass
      Then the process is in the "unfit" state
      When 1 day passes
      Then the process is cancelled

  Rule: The export is licensed

    Background:
      Given "Elli" runs the "announce" action with:
        | goods       | Night vision goggles |
        | code        | "90138000"           |
        | quantity    | 40                   |
        | unit        | pieces               |
        | destination | CA                   |
        | address     | Toronto              |
        | licence     | licence              |
      And "Bo" runs the "agree" action
      And "Customs" runs the "take_licence" action with:
        | process     | licence    |
        | number      | X-1        |
        | code        | "90138000" |
        | quantity    | 40         |
        | unit        | pieces     |
        | destination | CA         |
        | valid_until | 2026-12-31 |

    Scenario: The cargo is shipped, and arrives
      Then the process has asset "licence" with:
        | number | X-1 |
      And the possible actions are:
        | ship | exporter |
      And "Elli" cannot run the "ship" action with:
        | carrier  |            |
        | document | B/L 7      |
        | left     | 2026-02-01 |
      When "Elli" runs the "ship" action with:
        | carrier  | North Line |
        | document | B/L 7      |
        | left     | 2026-02-01 |
      Then the process is in the "shipped" state
      And the process has asset "transport" with:
        | carrier | North Line |
      And the possible actions are:
        | confirm | buyer |
        | deny    | buyer |
      When "Bo" runs the "confirm" action
      Then the process is completed

    Scenario: What is not shipped within 30 days is not shipped here
      When 29 days pass
      Then the process is in the "licensed" state
      When 1 day passes
      Then the process has failed

    Scenario: Something is missing
      Given "Elli" runs the "ship" action with:
        | carrier  | North Line |
        | document | B/L 7      |
        | left     | 2026-02-01 |
      Then "Bo" cannot run the "deny" action with:
        | missing |  |
      When "Bo" runs the "deny" action with:
        | missing | Two crates |
      Then the process has failed
      And the process has asset "transport" with:
        | missing | Two crates |
        | carrier | North Line |

    Scenario: Silence for 45 days confirms the arrival
      Given "Elli" runs the "ship" action with:
        | carrier  | North Line |
        | document | B/L 7      |
        | left     | 2026-02-01 |
      When 44 days pass
      Then the process is in the "shipped" state
      When 1 day passes
      Then the process is completed
