Feature: Insurance claim
  Damage is reported; the insurer grants, offers less or rejects; an assessor decides what they disagree about.

  # survives: patch-flipped $.actions.report.responses.ok.update.patch: There is one claim, and nothing before it to add to.
  # survives: patch-flipped $.actions.grant.responses.ok.update.patch: The insurer decides once, and nothing stands there before.
  # survives: patch-flipped $.actions.offer.responses.ok.update.patch: The insurer decides once, and nothing stands there before.
  # survives: patch-flipped $.actions.reject.responses.ok.update.patch: The insurer decides once, and nothing stands there before.
  # survives: patch-flipped $.actions.assess.responses.ok.update[0].patch: The assessor decides once, and nothing stands there before.

  Background:
    Given a chain is created by "Ina"
    And "Ina" creates the "main" process using the "insurance-claim" scenario
    And "Ina" is the "insured" actor
    And "Max" is the "insurer" actor
    And "Asa" is the "assessor" actor

  Scenario: Nothing is reported after all
    Then the possible actions are:
      | report   | insured |
      | withdraw | insured |
    When "Ina" runs the "withdraw" action
    Then the process is cancelled

  Scenario: A report says what happened, and what it cost
    Then "Ina" cannot run the "report" action with:
      | policy   | P-17          |
      | what     | A pipe burst. |
      | currency | EUR           |

  Rule: Damage is reported

    Background:
      Given "Ina" runs the "report" action with:
        | policy   | P-17          |
        | happened | 2026-01-10    |
        | what     | A pipe burst. |
        | amount   | 900           |
        | currency | EUR           |

    Scenario: The insurer grants the claim, and pays
      Then the process is in the "reported" state
      And the process has asset "claim" with:
        | amount | 900 |
      And the possible actions are:
        | grant    | insurer |
        | offer    | insurer |
        | reject   | insurer |
        | ask      | insurer |
        | withdraw | insured |
      When "Max" runs the "grant" action
      Then the process is in the "payable" state
      And the process has asset "decision" with:
        | by     | Insurer |
        | amount | 900     |
      And the possible actions are:
        | pay | insurer |
      And "Max" cannot run the "pay" action with:
        | paid | 2026-02-01 |
      When "Max" runs the "pay" action with:
        | paid      | 2026-02-01 |
        | reference | P-17/1     |
      Then the process is in the "paid" state
      And the process has asset "payment" with:
        | reference | P-17/1 |
      And the possible actions are:
        | confirm | insured |
        | deny    | insured |
      When "Ina" runs the "confirm" action
      Then the process is completed

    Scenario: Silence about a payment confirms it
      Given "Max" runs the "grant" action
      And "Max" runs the "pay" action with:
        | paid      | 2026-02-01 |
        | reference | P-17/1     |
      When 29 days pass
      Then the process is in the "paid" state
      When 1 day passes
      Then the process is completed

    Scenario: Nothing has come, and the insurer pays again
      Given "Max" runs the "grant" action
      And "Max" runs the "pay" action with:
        | paid      | 2026-02-01 |
        | reference | P-17/1     |
      Then "Ina" cannot run the "deny" action with:
        | remark |  |
      When "Ina" runs the "deny" action with:
        | remark | Nothing on my account. |
      Then the process is in the "payable" state
      And the process has asset "payment" with:
        | remark    | Nothing on my account. |
        | reference | P-17/1                 |
      When "Max" runs the "pay" action with:
        | paid      | 2026-02-09 |
        | reference | P-17/2     |
      Then the process has asset "payment" with:
        | reference | P-17/2                 |
        | remark    | Nothing on my account. |

    Scenario: The insurer does not pay within two weeks
      Given "Max" runs the "grant" action
      When 13 days pass
      Then the process is in the "payable" state
      When 1 day passes
      Then the process has failed

    Scenario: The insured withdraws the claim
      When "Ina" runs the "withdraw" action
      Then the process is cancelled

    Scenario: An insurer who is silent for two weeks leaves it to the assessor
      When 13 days pass
      Then the process is in the "reported" state
      When 1 day passes
      Then the process is in the "assessing" state

    Scenario: The insurer asks, three times at most
      Then "Max" cannot run the "ask" action with:
        | question |  |
      When "Max" runs the "ask" action with:
        | question | Which pipe? |
      Then the process is in the "asked" state
      And the possible actions are:
        | inform   | insured |
        | withdraw | insured |
      And "Ina" cannot run the "inform" action with:
        | answer |  |
      When "Ina" runs the "inform" action with:
        | answer | The one in the kitchen. |
      Then the process is in the "reported" state
      And the process has:
        | assets.questions.0.by       | Insurer                 |
        | assets.questions.0.question | Which pipe?             |
        | assets.questions.1.by       | Insured                 |
        | assets.questions.1.answer   | The one in the kitchen. |
      When "Max" runs the "ask" action with:
        | question | Since when? |
      And "Ina" runs the "inform" action with:
        | answer | Since Friday. |
      Then "Max" may run the "ask" action
      When "Max" runs the "ask" action with:
        | question | Who saw it? |
      And "Ina" runs the "inform" action with:
        | answer | My neighbour. |
      Then "Max" cannot run the "ask" action
      And "Max" may run the "grant" action

    Scenario: Who does not answer within 30 days lets the claim lapse
      Given "Max" runs the "ask" action with:
        | question | Which pipe? |
      When 29 days pass
      Then the process is in the "asked" state
      When 1 day passes
      Then the process is cancelled

    Scenario: Who is asked may withdraw
      Given "Max" runs the "ask" action with:
        | question | Which pipe? |
      When "Ina" runs the "withdraw" action
      Then the process is cancelled

  Rule: The insurer offers less

    Background:
      Given "Ina" runs the "report" action with:
        | policy   | P-17          |
        | happened | 2026-01-10    |
        | what     | A pipe burst. |
        | amount   | 900           |
        | currency | EUR           |
      And "Max" runs the "offer" action with:
        | amount | 500               |
        | reason | The floor is old. |

    Scenario: The insured accepts
      Then the process is in the "offered" state
      And the process has asset "decision" with:
        | by     | Insurer           |
        | amount | 500               |
        | reason | The floor is old. |
      And the possible actions are:
        | accept   | insured |
        | contest  | insured |
        | withdraw | insured |
      When "Ina" runs the "accept" action
      Then the process is in the "payable" state

    Scenario: The insured contests, and the assessor decides
      Then "Ina" cannot run the "contest" action with:
        | contested |  |
      When "Ina" runs the "contest" action with:
        | contested | It was new. |
      Then the process is in the "assessing" state
      And the process has asset "decision" with:
        | contested | It was new. |
        | amount    | 500         |
      And the possible actions are:
        | assess | assessor |
      When "Asa" runs the "assess" action with:
        | covered  | true                  |
        | amount   | 700                   |
        | findings | It was two years old. |
      Then the process is in the "payable" state
      And the process has asset "assessment" with:
        | amount | 700 |
      And the process has asset "decision" with:
        | by     | Assessor          |
        | amount | 700               |
        | reason | The floor is old. |

    Scenario: The insured withdraws
      When "Ina" runs the "withdraw" action
      Then the process is cancelled

    Scenario: Silence about an offer for 30 days leaves it to the assessor
      When 29 days pass
      Then the process is in the "offered" state
      When 1 day passes
      Then the process is in the "assessing" state

  Rule: The insurer rejects

    Background:
      Given "Ina" runs the "report" action with:
        | policy   | P-17          |
        | happened | 2026-01-10    |
        | what     | A pipe burst. |
        | amount   | 900           |
        | currency | EUR           |
      And "Max" runs the "reject" action with:
        | reason | Frost is not covered. |

    Scenario: A rejection is nothing, with the reason
      Then the process is in the "rejected" state
      And the process has asset "decision" with:
        | by     | Insurer               |
        | amount | 0                     |
        | reason | Frost is not covered. |
      And the possible actions are:
        | contest | insured |
        | accept  | insured |
      When "Ina" runs the "accept" action
      Then the process has failed

    Scenario: Who does not contest within 30 days has accepted
      When 29 days pass
      Then the process is in the "rejected" state
      When 1 day passes
      Then the process has failed

    Scenario Outline: The assessor finds that <finding>
      Given "Ina" runs the "contest" action with:
        | contested | There was no frost. |
      Then "Asa" cannot run the "assess" action with:
        | covered  | <covered> |
        | amount   | <amount>  |
        | findings |           |
      When "Asa" runs the "assess" action with:
        | covered  | <covered> |
        | amount   | <amount>  |
        | findings | I saw it. |
      Then the process is in the "<state>" state
      And the process has asset "decision" with:
        | amount | <paid> |

      Examples:
        | finding              | covered | amount | state   | paid |
        | it is covered        | true    | 900    | payable | 900  |
        | nothing was damaged  | true    | 0      | :failed | 0    |
        | frost is not covered | false   | 900    | :failed | 0    |

    Scenario: An assessor who is silent for 60 days ends it without payment
      Given "Ina" runs the "contest" action with:
        | contested | There was no frost. |
      When 59 days pass
      Then the process is in the "assessing" state
      When 1 day passes
      Then the process has failed

  Rule: The forms

    Background:
      Given "Ina" runs the "report" action with:
        | policy   | P-17          |
        | happened | 2026-01-10    |
        | what     | A pipe burst. |
        | amount   | 900           |
        | currency | EUR           |

    Scenario: Whoever offers less or rejects says why
      Then "Max" cannot run the "offer" action with:
        | amount | 500 |
      And "Max" cannot run the "reject" action with:
        | reason |  |
