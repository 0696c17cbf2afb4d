Feature: Employment onboarding
  A job is offered to somebody who is invited by mail, screened if that was announced, and signs with the employer.

  # survives: patch-flipped $.actions.offer.responses.ok.update[0].patch: There is one offer, and nothing before it to add to.
  # survives: patch-flipped $.actions.invite_employee.responses.ok.update.patch: An identity is a text, which is replaced either way.
  # survives: patch-flipped $.actions.invite_checker.responses.ok.update.patch: An identity is a text, which is replaced either way.
  # survives: patch-flipped $.actions.report.responses.findings.update.patch: There is one report, and nothing before it to add to.
  # survives: patch-flipped $.actions.stop.responses.ok.update.patch: There is one end, and nothing before it to add to.
  # survives: patch-flipped $.actions.write.responses.error.update.patch: Only a problem can stand there before, and it is replaced either way.

  Background:
    Given a chain is created by "Emma"
    And "Emma" creates the "main" process using the "onboarding" scenario
    And "Emma" is the "employer" actor with:
      | name | Acme Corp |

  Rule: The offer

    Scenario: No job is offered after all
      Then the possible actions are:
        | offer    | employer |
        | withdraw | employer |
      When "Emma" runs the "withdraw" action
      Then the process is cancelled

    Scenario: An announced screening says by whom, and of what
      Then "Emma" cannot run the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | true               |

    Scenario: The employer's node invites the employee, who accepts
      Given "Emma" runs the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | false              |
      Then the process is in the "inviting" state
      And the process has asset "terms" with:
        | position | bookkeeper |
        | name     | null       |
      And the process has asset "invited" with:
        | name     | Ada Green       |
        | email    | ada@example.com |
        | position | null            |
      And the possible actions are:
        | invite_employee | employer |
      When the nodes do what waits
      Then the process is in the "offered" state
      And an invitation has been sent to "ada@example.com" with:
        | name     | Ada Green             |
        | contract | Employment onboarding |
      When "Ada" accepts the invitation sent to "ada@example.com"
      Then "Ada" is the "employee" actor
      And the possible actions are:
        | accept   | employee |
        | decline  | employee |
        | withdraw | employer |
      When "Ada" runs the "accept" action
      Then the process is in the "details" state

    Scenario: A node that invites nobody lets the offer lapse
      Given "Emma" runs the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | false              |
      And the node of "Emma" is down
      When 2 days pass
      Then the process is in the "inviting" state
      When the node of "Emma" is up again
      And "Emma" runs the ":timeout" action at "2020-01-04T00:00:01Z"
      Then the process is cancelled

    Scenario: The invitation cannot be sent, and is corrected
      Given "Emma" runs the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | false              |
      And "Emma" runs the "invite_employee" action giving an "error" response with:
        | message | There is no such mailbox. |
      Then the process is in the "unreachable" state
      And the process has asset "invited" with:
        | problem | There is no such mailbox. |
        | name    | Ada Green                 |
      And the possible actions are:
        | correct  | employer |
        | withdraw | employer |
      And "Emma" cannot run the "correct" action with:
        | name  |                 |
        | email | ada@example.org |
      When "Emma" runs the "correct" action with:
        | name  | Ada Green       |
        | email | ada@example.org |
      Then the process is in the "inviting" state
      And the process has asset "invited" with:
        | email   | ada@example.org |
        | problem | null            |
      When the nodes do what waits
      Then an invitation has been sent to "ada@example.org"

    Scenario: An invitation that cannot be sent is given up
      Given "Emma" runs the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | false              |
      And "Emma" runs the "invite_employee" action giving an "error" response
      When "Emma" runs the "withdraw" action
      Then the process is cancelled

    Scenario: An invitation that cannot be sent lapses after two weeks
      Given "Emma" runs the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | false              |
      And "Emma" runs the "invite_employee" action giving an "error" response
      When 13 days pass
      Then the process is in the "unreachable" state
      When 1 day passes
      Then the process is cancelled

  Rule: The employee is asked

    Background:
      Given "Emma" runs the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | false              |
      And the nodes do what waits
      And "Ada" accepts the invitation sent to "ada@example.com"

    Scenario: The employee declines
      When "Ada" runs the "decline" action
      Then the process has failed

    Scenario: The employer withdraws before the employee has accepted
      When "Emma" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The offer lapses after two weeks
      When 13 days pass
      Then the process is in the "offered" state
      When 1 day passes
      Then the process is cancelled

  Rule: A screening was announced

    Background:
      Given "Emma" runs the "offer" action with:
        | name         | Ada Green          |
        | email        | ada@example.com    |
        | employer     | Acme Corp, Utrecht |
        | position     | bookkeeper         |
        | place        | Utrecht            |
        | starts       | 2026-04-01         |
        | hours        | 32                 |
        | salary       | 3150.5             |
        | currency     | EUR                |
        | notice       | 4                  |
        | law          | the Netherlands    |
        | screened     | true               |
        | agency       | Clear Check Ltd    |
        | agency_email | check@example.com  |
        | screening    | Certificates       |
      And the nodes do what waits
      And "Ada" accepts the invitation sent to "ada@example.com"
      And "Ada" runs the "accept" action

    Scenario: The agency is invited, and finds nothing
      Then the process is in the "inviting_checker" state
      And the possible actions are:
        | invite_checker | employer |
        | decline        | employee |
      When the nodes do what waits
      Then the process is in the "screening" state
      And an invitation has been sent to "check@example.com" with:
        | name | Clear Check Ltd |
      When "Chad" accepts the invitation sent to "check@example.com"
      Then "Chad" is the "checker" actor
      And the possible actions are:
        | report  | checker  |
        | decline | employee |
      When "Chad" runs the "report" action
      Then the process is in the "details" state

    Scenario: The employee declines before the agency is invited
      When "Ada" runs the "decline" action
      Then the process has failed

    Scenario: The employee declines to be screened
      Given the nodes do what waits
      When "Ada" runs the "decline" action
      Then the process has failed

    Scenario: An agency that cannot be invited leaves it to the employer
      When "Emma" runs the "invite_checker" action giving an "error" response
      Then the process is in the "deciding" state

    Scenario: A node that does not invite the agency leaves it to the employer after three days
      Given the node of "Emma" is down
      When 2 days pass
      Then the process is in the "inviting_checker" state
      When 1 day passes
      And 10 minutes pass
      Then the process is in the "deciding" state

    Scenario: An agency that is silent for three weeks leaves it to the employer
      Given the nodes do what waits
      When 20 days pass
      Then the process is in the "screening" state
      When 1 day passes
      And 10 minutes pass
      Then the process is in the "deciding" state

    Scenario: Findings are for the employer to judge
      Given the nodes do what waits
      And "Chad" accepts the invitation sent to "check@example.com"
      Then "Chad" cannot run the "report" action giving a "findings" response with:
        | findings |  |
      When "Chad" runs the "report" action giving a "findings" response with:
        | findings | One certificate is missing. |
      Then the process is in the "deciding" state
      And the process has asset "report" with:
        | findings | One certificate is missing. |
      And the possible actions are:
        | proceed | employer |
        | stop    | employer |
        | decline | employee |
      And "Emma" cannot run the "stop" action with:
        | reason |  |
      When "Emma" runs the "stop" action with:
        | reason | We need it. |
      Then the process has failed
      And the process has asset "end" with:
        | reason | We need it. |

    Scenario: The employer goes on in spite of the findings
      Given the nodes do what waits
      And "Chad" accepts the invitation sent to "check@example.com"
      And "Chad" runs the "report" action giving a "findings" response with:
        | findings | One certificate is missing. |
      When "Emma" runs the "proceed" action
      Then the process is in the "details" state

    Scenario: The employee declines once the findings are known
      Given the nodes do what waits
      And "Chad" accepts the invitation sent to "check@example.com"
      And "Chad" runs the "report" action giving a "findings" response with:
        | findings | One certificate is missing. |
      When "Ada" runs the "decline" action
      Then the process has failed

    Scenario: An employer who is silent about the findings goes on
      Given the nodes do what waits
      And "Chad" accepts the invitation sent to "check@example.com"
      And "Chad" runs the "report" action giving a "findings" response with:
        | findings | One certificate is missing. |
      When 6 days pass
      Then the process is in the "deciding" state
      When 1 day passes
      Then the process is in the "details" state

  Rule: The contract

    Background:
      Given "Emma" runs the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | false              |
      And the nodes do what waits
      And "Ada" accepts the invitation sent to "ada@example.com"
      And "Ada" runs the "accept" action

    Scenario: The employee states personal data, and both sign
      Then the possible actions are:
        | state_details | employee |
        | decline       | employee |
      And "Ada" cannot run the "state_details" action with:
        | name    |                 |
        | born    | 1990-05-17      |
        | address | Canal Street 12 |
      When "Ada" runs the "state_details" action with:
        | name    | Ada Green       |
        | born    | 1990-05-17      |
        | address | Canal Street 12 |
      And "Emma" runs the "write" action
      Then the process is in the "signing" state
      And the process has asset "person" with:
        | born | 1990-05-17 |
      And the process has asset "contract"
      And the possible actions are:
        | sign    | employer, employee |
        | decline | employee           |
        | stop    | employer           |
      When "Emma" runs the "sign" action
      Then the process is in the "signing" state
      And the "employer" actor has:
        | signed | true      |
        | name   | Acme Corp |
      And "Emma" cannot run the "sign" action
      When "Ada" runs the "sign" action
      Then the process is completed

    Scenario: The employee signs first
      Given "Ada" runs the "state_details" action with:
        | name    | Ada Green       |
        | born    | 1990-05-17      |
        | address | Canal Street 12 |
      And "Emma" runs the "write" action
      When "Ada" runs the "sign" action
      Then the process is in the "signing" state

    Scenario: The employee declines before saying anything
      When "Ada" runs the "decline" action
      Then the process has failed

    Scenario: Data that are not stated within two weeks let the offer lapse
      When 13 days pass
      Then the process is in the "details" state
      When 1 day passes
      Then the process is cancelled

    Scenario: The employee declines to sign
      Given "Ada" runs the "state_details" action with:
        | name    | Ada Green       |
        | born    | 1990-05-17      |
        | address | Canal Street 12 |
      And "Emma" runs the "write" action
      When "Ada" runs the "decline" action
      Then the process has failed

    Scenario: The employer ends it before both have signed
      Given "Ada" runs the "state_details" action with:
        | name    | Ada Green       |
        | born    | 1990-05-17      |
        | address | Canal Street 12 |
      And "Emma" runs the "write" action
      When "Emma" runs the "stop" action with:
        | reason | The position is gone. |
      Then the process has failed

    Scenario: A contract that is not signed within two weeks lapses
      Given "Ada" runs the "state_details" action with:
        | name    | Ada Green       |
        | born    | 1990-05-17      |
        | address | Canal Street 12 |
      And "Emma" runs the "write" action
      When 13 days pass
      Then the process is in the "signing" state
      When 1 day passes
      Then the process is cancelled

  Rule: The document

    Background:
      Given "Emma" runs the "offer" action with:
        | name     | Ada Green          |
        | email    | ada@example.com    |
        | employer | Acme Corp, Utrecht |
        | position | bookkeeper         |
        | place    | Utrecht            |
        | starts   | 2026-04-01         |
        | hours    | 32                 |
        | salary   | 3150.5             |
        | currency | EUR                |
        | notice   | 4                  |
        | law      | the Netherlands    |
        | screened | false              |
      And the nodes do what waits
      And "Ada" accepts the invitation sent to "ada@example.com"
      And "Ada" runs the "accept" action
      And "Ada" runs the "state_details" action with:
        | name    | "Ada\u000bGreen"                                                 |
        | born    | 1990-05-17                                                       |
        | address | Canal Street 12                                                  |
        | payroll | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |

    Scenario: What no document can hold is told, and corrected
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "unwritten" state
      And the process has asset "contract" with:
        | hash    | null |
        | message | null |
        | problem | The value of "assets.person.name" holds characters that no document can hold. |
      When "Ada" runs the "state_details" action with:
        | name    | Ada Green       |
        | born    | 1990-05-17      |
        | address | Canal Street 12 |
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "signing" state
      And the process has asset "contract" with:
        | problem | null |
      And the document "contract" says "Ada Green"
      And the process has asset "person" with:
        | payroll | null |

    Scenario: A node that writes nothing lets it lapse after three days
      Given the node of "Emma" is down
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

    Scenario Outline: <who> leaves when the contract cannot be written
      Given the nodes do what waits
      When "<who>" runs the "<action>" action with:
        | reason | It takes too long. |
      Then the process has failed

      Examples:
        | who  | action |
        | Emma | stop   |

    Scenario: The employee declines when the contract cannot be written
      Given the nodes do what waits
      When "Ada" runs the "decline" action
      Then the process has failed
