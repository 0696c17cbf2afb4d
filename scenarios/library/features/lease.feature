Feature: Lease
  A home is let for some months. Time ends each month, whoever is silent, and missing rent may end the lease.

  # survives: patch-flipped $.actions.propose.responses.ok.update.patch: Each has the same members, and writes them all.
  # survives: patch-flipped $.actions.agree.responses.ok.update.patch: The tenant agrees once, and nothing stands there before.
  # survives: patch-flipped $.actions.write.responses.error.update.patch: Only a problem can stand there before, and it is replaced either way.

  Background:
    Given a chain is created by "Lena"
    And "Lena" creates the "main" process using the "lease" scenario
    And "Lena" is the "landlord" actor with:
      | name | Lena |
    And "Tim" is the "tenant" actor with:
      | name | Tim |

  Rule: A lease is proposed

    Scenario: Nothing is proposed after all
      Then the possible actions are:
        | propose  | landlord |
        | withdraw | landlord |
      When "Lena" runs the "withdraw" action
      Then the process is cancelled

    Scenario: A lease is for two months at least
      Then "Lena" cannot run the "propose" action with:
        | home     | Canal Street 12 |
        | rent     | 950             |
        | currency | EUR             |
        | months   | 1               |
        | account  | NL91            |
        | law      | the Netherlands |

  Rule: The tenant is asked

    Background:
      Given "Lena" runs the "propose" action with:
        | home     | Canal Street 12 |
        | rent     | 950             |
        | currency | EUR             |
        | months   | 3               |
        | account  | NL91            |
        | law      | the Netherlands |
      And "Lena" runs the "write" action

    Scenario: The tenant agrees, and takes the home over
      Then the process is in the "proposed" state
      And the process has asset "terms" with:
        | rent   | 950 |
        | months | 3   |
      And the possible actions are:
        | agree    | tenant   |
        | decline  | tenant   |
        | withdraw | landlord |
      When "Tim" runs the "agree" action
      Then the process is in the "agreed" state
      And the process has asset "lease"
      And the process has:
        | assets.account.last | 2 |
      And the possible actions are:
        | take_over | tenant |
      When "Tim" runs the "take_over" action
      Then the process is in the "month" state

    Scenario: The tenant declines
      When "Tim" runs the "decline" action
      Then the process is cancelled

    Scenario: The landlord withdraws
      When "Lena" runs the "withdraw" action
      Then the process is cancelled

    Scenario: A proposal lapses after two weeks
      When 13 days pass
      Then the process is in the "proposed" state
      When 1 day passes
      Then the process is cancelled

    Scenario: A home that is not taken over within 60 days is not let
      Given "Tim" runs the "agree" action
      When 59 days pass
      Then the process is in the "agreed" state
      When 1 day passes
      Then the process is cancelled

  Rule: Three months of rent

    Background:
      Given "Lena" runs the "propose" action with:
        | home     | Canal Street 12 |
        | rent     | 950             |
        | currency | EUR             |
        | months   | 3               |
        | account  | NL91            |
        | law      | the Netherlands |
      And "Lena" runs the "write" action
      And "Tim" runs the "agree" action
      And "Tim" runs the "take_over" action

    Scenario: In the first month nothing is missing yet
      Then the possible actions are:
        | pay       | tenant           |
        | end_early | landlord, tenant |
      And "Tim" cannot run the "pay" action with:
        | paid      | 2020-01-05 |
        | reference | Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent Rent |
      When "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      Then the process is in the "month" state
      And the process has:
        | assets.payments.0.paid | 2020-01-05 |
      And the possible actions are:
        | pay       | tenant           |
        | confirm   | landlord         |
        | object    | landlord         |
        | end_early | landlord, tenant |
      When "Lena" runs the "confirm" action
      Then the process has:
        | assets.account.confirmed | 1 |
        | assets.account.last      | 2 |
      And "Lena" cannot run the "confirm" action
      And "Lena" cannot run the "object" action

    Scenario: No more is paid than is owed
      When "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      And "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      Then "Tim" may run the "pay" action
      When "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      Then "Tim" cannot run the "pay" action

    Scenario: The landlord objects to a payment, and it counts no more
      Given "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      And "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      Then "Lena" cannot run the "object" action with:
        | objection |  |
      When "Lena" runs the "object" action with:
        | objection | Nothing came. |
      Then the process has:
        | assets.payments.0.paid   | 2020-01-05    |
        | assets.payments.1        | null          |
        | assets.account.objection | Nothing came. |
        | assets.account.last      | 2             |

    Scenario: A month lasts a month
      When 30 days pass
      Then "Lena" cannot run the "give_notice" action
      When 1 day passes
      Then the process is in the "month" state
      And "Lena" may run the "give_notice" action

    Scenario: Paid in time, the lease runs to its end and is closed
      Given "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      And 1 month passes
      Then "Lena" cannot run the "give_notice" action
      When "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      And 1 month passes
      Then the process is in the "month" state
      When "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      And 1 month passes
      Then the process is in the "settling" state
      And the possible actions are:
        | close  | landlord |
        | object | landlord |
      When "Lena" runs the "close" action
      Then the process is completed
      And the process has:
        | assets.account.confirmed | 3 |
        | assets.account.last      | 2 |

    Scenario: After a notice the tenant has all of the following month
      Given 1 month passes
      When "Lena" runs the "give_notice" action
      Then the process has:
        | assets.account.notice | 1 |
        | assets.account.last   | 2 |
      And "Lena" cannot run the "give_notice" action
      When 1 month passes
      Then the process is in the "month" state
      When 1 month passes
      Then the process has failed

    Scenario: A notice ends when the rent is paid
      Given 1 month passes
      And "Lena" runs the "give_notice" action
      When "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      Then the process has:
        | assets.account.notice | null |
        | assets.account.lapsed | 1    |
        | assets.account.until  | 2    |
        | assets.account.last   | 2    |
      When 2 months pass
      Then the process is in the "settling" state

    Scenario: A notice comes back if the landlord objects in the same month
      Given 1 month passes
      And "Lena" runs the "give_notice" action
      And "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      When "Lena" runs the "object" action with:
        | objection | Nothing came. |
      Then the process has:
        | assets.account.notice    | 1             |
        | assets.account.lapsed    | null          |
        | assets.account.until     | null          |
        | assets.account.objection | Nothing came. |
        | assets.account.last      | 2             |
      When 2 months pass
      Then the process has failed

    Scenario: A notice does not come back once the payment was confirmed
      Given 1 month passes
      And "Lena" runs the "give_notice" action
      And "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      When "Lena" runs the "confirm" action
      Then the process has:
        | assets.account.confirmed | 1    |
        | assets.account.lapsed    | null |
        | assets.account.until     | null |

    Scenario: A payment without a notice ends none
      Given 1 month passes
      When "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      Then the process has:
        | assets.account.lapsed | null |
        | assets.account.until  | null |

    Scenario: Both agree to end the lease early
      When "Lena" runs the "end_early" action
      Then the process is in the "month" state
      And the "landlord" actor has:
        | ends  | true |
        | asked | 1    |
        | name  | Lena |
      And the possible actions are:
        | pay       | tenant   |
        | end_early | tenant   |
        | go_on     | landlord |
      When "Tim" runs the "end_early" action
      Then the process is cancelled

    Scenario: Who wanted to end the lease wants to go on
      When "Lena" runs the "end_early" action
      And "Lena" runs the "go_on" action
      Then the "landlord" actor has:
        | ends | false |
        | name | Lena  |
      When "Tim" runs the "end_early" action
      Then the process is in the "month" state
      And "Tim" may run the "go_on" action

    Scenario: Nobody asks to end it more than twelve times
      When "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      And "Tim" runs the "end_early" action
      And "Tim" runs the "go_on" action
      Then "Tim" cannot run the "end_early" action
      And "Lena" may run the "end_early" action

  Rule: The lease is over, and rent is missing

    Background:
      Given "Lena" runs the "propose" action with:
        | home     | Canal Street 12 |
        | rent     | 950             |
        | currency | EUR             |
        | months   | 2               |
        | account  | NL91            |
        | law      | the Netherlands |
      And "Lena" runs the "write" action
      And "Tim" runs the "agree" action
      And "Tim" runs the "take_over" action
      And 2 months pass

    Scenario: What is missing may be paid within 30 days, which then begin anew
      Then the process is in the "settling" state
      And the possible actions are:
        | pay | tenant |
      When 29 days pass
      And "Tim" runs the "pay" action with:
        | paid | 2020-03-30 |
      Then the process is in the "settling" state
      And "Lena" cannot run the "close" action
      When 29 days pass
      Then the process is in the "settling" state
      When "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      Then "Lena" may run the "close" action
      When 29 days pass
      Then the process is in the "settling" state
      When 1 day passes
      Then the process is completed

    Scenario: An objection gives another 30 days
      Given "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      And "Tim" runs the "pay" action with:
        | paid | 2020-01-05 |
      When 29 days pass
      And "Lena" runs the "object" action with:
        | objection | Nothing came. |
      And 29 days pass
      Then the process is in the "settling" state
      When 1 day passes
      Then the process has failed

  Rule: The document

    Background:
      Given "Lena" runs the "propose" action with:
        | home     | "Canal\u000bStreet 12" |
        | rent     | 950                    |
        | currency | EUR                    |
        | months   | 3                      |
        | account  | NL91                   |
        | law      | the Netherlands        |

    Scenario: What no document can hold is told, and corrected
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "unwritten" state
      And the process has asset "lease" with:
        | hash    | null |
        | message | null |
        | problem | The value of "assets.terms.home" holds characters that no document can hold. |
      When "Lena" runs the "propose" action with:
        | home     | Canal Street 12 |
        | rent     | 950             |
        | currency | EUR             |
        | months   | 3               |
        | account  | NL91            |
        | law      | the Netherlands |
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "proposed" state
      And the process has asset "lease" with:
        | problem | null |
      And the document "lease" says "Canal Street 12"

    Scenario: A node that writes nothing lets it lapse after three days
      Given the node of "Lena" is down
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
      When "Lena" runs the "withdraw" action
      Then the process is cancelled
