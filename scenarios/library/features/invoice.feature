Feature: Invoice
  Money is owed and asked for; the debtor reports payments, and the creditor confirms them.

  # survives: patch-flipped $.actions.send.responses.ok.update.patch: Each has the same members, and writes them all.
  # survives: patch-flipped $.actions.write.responses.error.update.patch: Only a problem can stand there before, and it is replaced either way.

  Background:
    Given a chain is created by "Cora"
    And "Cora" creates the "main" process using the "invoice" scenario
    And "Cora" is the "creditor" actor
    And "Dave" is the "debtor" actor

  Scenario: Nothing is asked for after all
    Then the possible actions are:
      | send     | creditor |
      | withdraw | creditor |
    When "Cora" runs the "withdraw" action
    Then the process is cancelled

  Scenario: An invoice says what it is for, and how much
    Then "Cora" cannot run the "send" action with:
      | number      |        |
      | description | Chairs |
      | amount      | 900    |
      | currency    | EUR    |

  Rule: The invoice is sent

    Background:
      Given "Cora" runs the "send" action with:
        | number      | 2026-17 |
        | description | Chairs  |
        | amount      | 900     |
        | currency    | EUR     |
      And "Cora" runs the "write" action

    Scenario: The debtor pays, and the creditor confirms
      Then the process is in the "open" state
      And the process has asset "invoice" with:
        | number | 2026-17 |
        | amount | 900     |
      And the possible actions are:
        | report_payment | debtor   |
        | withdraw       | creditor |
      And "Dave" cannot run the "report_payment" action with:
        | amount    | 900 |
        | reference |     |
      When "Dave" runs the "report_payment" action with:
        | amount    | 900   |
        | reference | 17/26 |
      Then the process is in the "checking" state
      And the process has:
        | assets.payments.0.amount    | 900   |
        | assets.payments.0.reference | 17/26 |
      And the possible actions are:
        | confirm | creditor |
        | deny    | creditor |
      When "Cora" runs the "confirm" action
      Then the process is completed

    Scenario: A creditor who says nothing for two weeks counts as paid
      Given "Dave" runs the "report_payment" action with:
        | amount    | 900   |
        | reference | 17/26 |
      When 13 days pass
      Then the process is in the "checking" state
      When 1 day passes
      Then the process is completed

    Scenario: Money is missing, and the debtor pays the rest
      Given "Dave" runs the "report_payment" action with:
        | amount    | 400   |
        | reference | 17/26 |
      When "Cora" runs the "deny" action
      Then the process is in the "overdue" state
      When "Dave" runs the "report_payment" action with:
        | amount    | 500   |
        | reference | 18/26 |
      Then the process is in the "checking" state
      And the process has:
        | assets.payments.0.amount | 400 |
        | assets.payments.1.amount | 500 |

    Scenario: After 30 days the invoice is overdue
      When 29 days pass
      Then the process is in the "open" state
      When 1 day passes
      Then the process is in the "overdue" state

    Scenario: The creditor withdraws the invoice
      When "Cora" runs the "withdraw" action
      Then the process is cancelled

  Rule: The invoice is overdue

    Background:
      Given "Cora" runs the "send" action with:
        | number      | 2026-17 |
        | description | Chairs  |
        | amount      | 900     |
        | currency    | EUR     |
      And "Cora" runs the "write" action
      And 30 days pass

    Scenario: The creditor hands the claim over
      Then the process is in the "overdue" state
      And the possible actions are:
        | report_payment | debtor   |
        | withdraw       | creditor |
        | hand_over      | creditor |
      When "Cora" runs the "hand_over" action
      Then the process has failed

    Scenario: The creditor gives up
      When "Cora" runs the "withdraw" action
      Then the process is cancelled

    Scenario: After a year it ends unpaid
      When 11 months pass
      Then the process is in the "overdue" state
      When 1 month passes
      Then the process has failed

  Rule: The parties agree on a payment arrangement

    Background:
      Given "Cora" runs the "send" action with:
        | number      | 2026-17 |
        | description | Chairs  |
        | amount      | 900     |
        | currency    | EUR     |
      And "Cora" runs the "write" action

    Scenario: An arrangement is made once the invoice is overdue
      Then "Dave" cannot propose the deviation "payment-arrangement"

    Scenario: The debtor proposes, the creditor agrees, and three instalments are paid
      Given 30 days pass
      When "Dave" comments "I can pay 300 a month."
      And "Dave" proposes the deviation "payment-arrangement"
      Then the process is in the "overdue" state
      And the deviation waits for "Cora"
      When "Cora" agrees
      Then the deviation is "in force"
      And the process is in the "instalments" state
      And "Dave" has commented "I can pay 300 a month." in the "overdue" state
      And the possible actions are:
        | report_instalment | debtor |
      When "Dave" runs the "report_instalment" action with:
        | reference | first |
      And "Dave" runs the "report_instalment" action with:
        | reference | second |
      Then the process is in the "instalments" state
      When "Dave" runs the "report_instalment" action with:
        | reference | third |
      Then the process is in the "checking" state
      And the deviation is "over"
      And the process has:
        | assets.payments.2.amount    | 300   |
        | assets.payments.2.reference | third |
      When "Cora" runs the "confirm" action
      Then the process is completed

    Scenario: Instalments that do not come leave it to the creditor after three months
      Given 30 days pass
      And "Dave" proposes the deviation "payment-arrangement"
      And "Cora" agrees
      When 2 months pass
      Then the process is in the "instalments" state
      When 1 month passes
      Then the process is in the "checking" state
      And the deviation is "over"

    Scenario: The creditor refuses, and the claim is handed over
      Given 30 days pass
      And "Dave" proposes the deviation "payment-arrangement"
      When "Cora" refuses because "It takes too long."
      Then the deviation is "refused"
      And "Cora" cannot agree
      And "Cora" may run the "hand_over" action

    Scenario: The debtor thinks better of it, and pays at once
      Given 30 days pass
      And "Dave" proposes the deviation "payment-arrangement"
      When "Dave" runs the "report_payment" action with:
        | amount    | 900   |
        | reference | 17/26 |
      Then the deviation is "lapsed"
      And the process is in the "checking" state

  Rule: The document

    Background:
      Given "Cora" runs the "send" action with:
        | number      | 2026-17        |
        | description | "Chairs\u000b" |
        | amount      | 900            |
        | currency    | EUR            |

    Scenario: What no document can hold is told, and corrected
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "unwritten" state
      And the process has asset "document" with:
        | hash    | null |
        | message | null |
        | problem | The value of "assets.invoice.description" holds characters that no document can hold. |
      When "Cora" runs the "send" action with:
        | number      | 2026-17 |
        | description | Chairs  |
        | amount      | 900     |
        | currency    | EUR     |
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "open" state
      And the process has asset "document" with:
        | problem | null |
      And the document "document" says "Chairs"

    Scenario: A node that writes nothing lets it lapse after three days
      Given the node of "Cora" is down
      And 2 days pass
      Then the process is in the "writing" state
      When 1 day passes
      And 1 hour passes
      Then the process is cancelled

    Scenario: What cannot be written lapses after two weeks
      Given the nodes do what waits
      And 13 days pass
      Then the process is in the "unwritten" state
      When 1 day passes
      Then the process is cancelled

    Scenario: What cannot be written is withdrawn
      Given the nodes do what waits
      When "Cora" runs the "withdraw" action
      Then the process is cancelled
