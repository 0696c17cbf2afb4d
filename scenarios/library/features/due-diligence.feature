Feature: Purchase of a house, subject to survey and loan
  Both conditions are looked at at once, in sub-processes with parties and deadlines of their own.

  # survives: patch-flipped $.actions.offer.responses.ok.update.patch: There is one offer, and nothing before it to add to.
  # survives: patch-flipped $.actions.agree.responses.ok.update.patch: A text is replaced either way.
  # survives: patch-flipped $.actions.decline.responses.ok.update.patch: There is one reason, and nothing before it to add to.
  # survives: patch-flipped $.actions.give_up.responses.ok.update.patch: There is one reason, and nothing before it to add to.
  # survives: patch-flipped $.actions.contest.responses.ok.update.patch: There is one reason, and nothing before it to add to.
  # survives: patch-flipped $.actions.survey.update.patch: There is one survey, and nothing before it to add to.
  # survives: patch-flipped $.actions.finance.update.patch: There is one loan, and nothing before it to add to.

  Background:
    Given a chain is created by "Sara"
    And "Sara" creates the "main" process using the "due-diligence" scenario
    And "Sara" is the "seller" actor
    And "Ben" is the "buyer" actor
    And "Sid" is the "surveyor" actor
    And "Bank" is the "bank" actor

  Scenario: An offer names a house, a price and a day
    Then the possible actions are:
      | offer | seller |
    And "Ben" cannot run the "offer" action
    And "Sara" cannot run the "offer" action with:
      | address     | Mill Lane 7, Delft |
      | description | garden and garage  |
      | price       | 0                  |
      | currency    | EUR                |
      | completion  | 2026-09-01         |

  Rule: The house is offered

    Background:
      Given "Sara" runs the "offer" action with:
        | address     | Mill Lane 7, Delft |
        | description | garden and garage  |
        | price       | 420000             |
        | currency    | EUR                |
        | completion  | 2026-09-01         |

    Scenario: The offer can be read
      Then the process is in the "offered" state
      And the process has asset "house" with:
        | address     | Mill Lane 7, Delft |
        | description | garden and garage  |
        | price       | 420000             |
        | currency    | EUR                |
        | completion  | 2026-09-01         |
      And the possible actions are:
        | agree    | buyer  |
        | decline  | buyer  |
        | withdraw | seller |

    Scenario: The buyer declines, and says why
      Then "Ben" cannot run the "decline" action with:
        | reason | "" |
      When "Ben" runs the "decline" action with:
        | reason | Too small. |
      Then the process is cancelled
      And the process has asset "reason" with:
        | reason | Too small. |

    Scenario: The seller withdraws
      When "Sara" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The buyer is silent for 14 days
      When 13 days pass
      Then the process is in the "offered" state
      When 1 day passes
      Then the process is cancelled

  Rule: The buyer agreed

    Background:
      Given "Sara" runs the "offer" action with:
        | address     | Mill Lane 7, Delft |
        | description | garden and garage  |
        | price       | 420000             |
        | currency    | EUR                |
        | completion  | 2026-09-01         |
      And "Ben" runs the "agree" action

    Scenario: Survey and loan begin at once, by the terms of the contract
      Then the process is in the "checking" state
      And the process has asset "contract"
      And the "survey" sub-process is in the "initial" state
      And the "survey" sub-process has:
        | assets.house.address | Mill Lane 7, Delft |
      And the "finance" sub-process is in the "initial" state
      And the "finance" sub-process has:
        | assets.house.price | 420000 |
      And "Sid" may run the "take_on" action in the "survey" sub-process
      And "Ben" may run the "call_off" action in the "survey" sub-process
      And "Ben" may run the "apply" action in the "finance" sub-process

    Scenario: The seller tells more of the house, more than once
      Then "Sara" cannot run the "disclose" action with:
        | text | "" |
      And "Ben" cannot run the "disclose" action
      When "Sara" runs the "disclose" action with:
        | text | The boiler is of 2012. |
      And "Sara" runs the "disclose" action with:
        | text | The roof is of 2019. |
      Then the process is in the "checking" state
      And the process has:
        | assets.disclosures.0.text | The boiler is of 2012. |
        | assets.disclosures.1.text | The roof is of 2019.   |

    Scenario: Neither can be started
      When "Ben" runs the "survey" action giving an "error" response with:
        | message | This should be text. |
      Then the process is in the "checking" state
      And the process has:
        | assets.survey.message | This should be text. |
      When "Ben" runs the "finance" action giving an "error" response with:
        | message | This should be text. |
      Then the process is cancelled
      And the process has:
        | assets.financing.message | This should be text. |

    Scenario: The buyer calls the survey off, and asks for no loan
      When "Ben" runs the "call_off" action in the "survey" sub-process
      Then the process is in the "checking" state
      When "Ben" runs the "give_up" action in the "finance" sub-process
      Then the process is cancelled
      And the process has:
        | assets.survey.state    | :cancelled |
        | assets.financing.state | :cancelled |

    Scenario: Neither was ready when the time was over
      When the deadline passes
      Then the process is cancelled
      And the "survey" sub-process is abandoned

    Scenario: Everybody is silent for two weeks
      When 13 days pass
      Then the "survey" sub-process is cancelled
      And the "finance" sub-process is in the "initial" state
      When 1 day passes
      Then the "finance" sub-process is cancelled
      And the process is cancelled

  Rule: The surveyor comes

    Background:
      Given "Sara" runs the "offer" action with:
        | address     | Mill Lane 7, Delft |
        | description | garden and garage  |
        | price       | 420000             |
        | currency    | EUR                |
        | completion  | 2026-09-01         |
      And "Ben" runs the "agree" action
      And "Sid" runs the "take_on" action in the "survey" sub-process with:
        | day | 2026-05-18 |
      And "Ben" runs the "apply" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |

    Scenario: Nobody is let in, and the bank declines
      When "Sara" runs the "refuse" action in the "survey" sub-process with:
        | reason | Not this month. |
      Then the "survey" sub-process has failed
      And the process is in the "checking" state
      When "Bank" runs the "decline" action in the "finance" sub-process with:
        | reason | Income too low. |
      Then the process is cancelled
      And the process has:
        | assets.survey.state            | :failed         |
        | assets.survey.result.reason    | Not this month. |
        | assets.financing.state         | :failed         |
        | assets.financing.result.reason | Income too low. |

    Scenario: The survey is called off, and the loan left
      When "Ben" runs the "call_off" action in the "survey" sub-process
      Then the "survey" sub-process is cancelled
      When "Bank" runs the "offer" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |
        | rate   | 3.1    |
      And "Ben" runs the "leave" action in the "finance" sub-process
      Then the "finance" sub-process is cancelled
      And the process is cancelled

    Scenario: The bank is silent for 30 days, and the surveyor too
      When 31 days pass
      Then the "survey" sub-process is cancelled
      And the "finance" sub-process has failed
      And the process is cancelled

    Scenario: The loan is not taken
      When "Sid" runs the "report" action in the "survey" sub-process giving a "sound" response with:
        | findings | Dry, roof of 2019. |
        | cost     | 0                  |
      And "Bank" runs the "offer" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |
        | rate   | 3.1    |
      And 14 days pass
      Then the "finance" sub-process is cancelled
      And the process is cancelled

    Scenario: The house is sound, but there is no loan
      When "Sid" runs the "report" action in the "survey" sub-process giving a "sound" response with:
        | findings | Dry, roof of 2019. |
        | cost     | 0                  |
      Then the "survey" sub-process is completed
      And the process is in the "checking" state
      When "Bank" runs the "decline" action in the "finance" sub-process with:
        | reason | Income too low. |
      Then the process is cancelled

  Rule: There is a loan, and the house has defects

    Background:
      Given "Sara" runs the "offer" action with:
        | address     | Mill Lane 7, Delft |
        | description | garden and garage  |
        | price       | 420000             |
        | currency    | EUR                |
        | completion  | 2026-09-01         |
      And "Ben" runs the "agree" action
      And "Sid" runs the "take_on" action in the "survey" sub-process with:
        | day | 2026-05-18 |
      And "Sid" runs the "report" action in the "survey" sub-process giving a "defects" response with:
        | findings | Rot in the roof. |
        | cost     | 18000            |
      And "Ben" runs the "apply" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |
      And "Bank" runs the "offer" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |
        | rate   | 3.1    |
      And "Ben" runs the "take" action in the "finance" sub-process

    Scenario: The buyer goes on all the same
      Then the process is in the "deciding" state
      And the process has:
        | assets.survey.state            | :failed          |
        | assets.survey.result.findings  | Rot in the roof. |
        | assets.financing.state         | :success         |
        | assets.financing.result.amount | 300000           |
      And the possible actions are:
        | go_on   | buyer |
        | give_up | buyer |
      When "Ben" runs the "go_on" action
      Then the process is in the "completing" state

    Scenario: The buyer gives up
      Then "Ben" cannot run the "give_up" action with:
        | reason | "" |
      When "Ben" runs the "give_up" action with:
        | reason | The roof costs too much. |
      Then the process is cancelled
      And the process has asset "reason" with:
        | reason | The roof costs too much. |

    Scenario: The buyer is silent for 14 days
      When 13 days pass
      Then the process is in the "deciding" state
      When 1 day passes
      Then the process is cancelled

  Rule: There is a loan, and no survey

    Background:
      Given "Sara" runs the "offer" action with:
        | address     | Mill Lane 7, Delft |
        | description | garden and garage  |
        | price       | 420000             |
        | currency    | EUR                |
        | completion  | 2026-09-01         |
      And "Ben" runs the "agree" action
      And "Ben" runs the "apply" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |
      And "Bank" runs the "offer" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |
        | rate   | 3.1    |
      And "Ben" runs the "take" action in the "finance" sub-process
      Then the process is in the "checking" state

    Scenario: It could not be started
      When "Ben" runs the "survey" action giving an "error" response with:
        | message | This should be text. |
      Then the process is in the "deciding" state

    Scenario: The surveyor declines
      When "Sid" runs the "decline" action in the "survey" sub-process
      Then the process is in the "deciding" state

    Scenario: The time for both is over
      Given the node of "Ben" is down
      When 49 days pass
      Then the process is in the "checking" state
      When 1 day passes
      Then the process is cancelled

  Rule: The house is sound, and the loan promised

    Background:
      Given "Sara" runs the "offer" action with:
        | address     | Mill Lane 7, Delft |
        | description | garden and garage  |
        | price       | 420000             |
        | currency    | EUR                |
        | completion  | 2026-09-01         |
      And "Ben" runs the "agree" action
      And "Ben" runs the "apply" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |
      And "Bank" runs the "offer" action in the "finance" sub-process with:
        | amount | 300000 |
        | years  | 30     |
        | rate   | 3.1    |
      And "Ben" runs the "take" action in the "finance" sub-process
      And "Sid" runs the "take_on" action in the "survey" sub-process with:
        | day | 2026-05-18 |
      And "Sid" runs the "report" action in the "survey" sub-process giving a "sound" response with:
        | findings | Dry, roof of 2019. |
        | cost     | 0                  |

    Scenario: It is handed over and confirmed
      Then the process is in the "completing" state
      And the possible actions are:
        | hand_over | seller |
      When "Sara" runs the "hand_over" action
      Then the process is in the "handed_over" state
      And the possible actions are:
        | confirm | buyer |
        | contest | buyer |
      When "Ben" runs the "confirm" action
      Then the process is completed

    Scenario: It is not handed over within 60 days
      When 59 days pass
      Then the process is in the "completing" state
      When 1 day passes
      Then the process has failed

    Scenario: The buyer contests that it was handed over
      When "Sara" runs the "hand_over" action
      Then "Ben" cannot run the "contest" action with:
        | reason | "" |
      When "Ben" runs the "contest" action with:
        | reason | Nobody was there with the keys. |
      Then the process has failed
      And the process has asset "reason" with:
        | reason | Nobody was there with the keys. |

    Scenario: Silence confirms that it was handed over
      When "Sara" runs the "hand_over" action
      And 13 days pass
      Then the process is in the "handed_over" state
      When 1 day passes
      Then the process is completed
