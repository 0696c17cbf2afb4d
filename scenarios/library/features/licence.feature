Feature: Export licence
  An authority issues or refuses a licence, and its node tells the shipment that waits for it.

  # survives: patch-flipped $.actions.apply.responses.ok.update.patch: There is one application, and nothing before it to add to.
  # survives: patch-flipped $.actions.issue.responses.ok.update.patch: Each has the same members, and writes them all.
  # survives: patch-flipped $.actions.refuse.responses.ok.update.patch: There is one refusal, and nothing before it to add to.
  # survives: patch-flipped $.actions.write.responses.error.update.patch: Only a problem can stand there before, and it is replaced either way.

  Background:
    Given a chain is created by "Elli"
    And "Elli" creates the "licence" process using the "licence" scenario
    And "Elli" is the "applicant" actor of the "licence" process
    And "Customs" is the "authority" actor of the "licence" process
    And "Elli" creates the "cargo" process using the "shipment" scenario
    And "Elli" is the "exporter" actor of the "cargo" process
    And "Bo" is the "buyer" actor of the "cargo" process
    And "Customs" is the "authority" actor of the "cargo" process
    And "Elli" runs the "announce" action of the "cargo" process with:
      | goods       | Night vision goggles |
      | code        | "90138000"           |
      | quantity    | 40                   |
      | unit        | pieces               |
      | destination | CA                   |
      | address     | Toronto              |
      | licence     | licence              |

  Scenario: Nothing is applied for after all
    Then the possible actions of the "licence" process are:
      | apply    | applicant |
      | withdraw | applicant |
    When "Elli" runs the "withdraw" action of the "licence" process
    Then the "licence" process is cancelled

  Scenario: An application says what goes where
    Then "Elli" cannot run the "apply" action of the "licence" process with:
      | shipment    | cargo                |
      | applicant   | Elli                 |
      | goods       | Night vision goggles |
      | code        | "90138000"           |
      | quantity    | 0                    |
      | unit        | pieces               |
      | destination | CA                   |
      | purpose     | Rescue               |

  Rule: The application is made

    Background:
      Given "Elli" runs the "apply" action of the "licence" process with:
        | shipment    | cargo                |
        | applicant   | Elli                 |
        | goods       | Night vision goggles |
        | code        | "90138000"           |
        | quantity    | 50                   |
        | unit        | pieces               |
        | destination | CA                   |
        | purpose     | Rescue               |

    Scenario: It is issued, and the shipment is told at once
      Given "Bo" runs the "agree" action of the "cargo" process
      Then the "licence" process is in the "applied" state
      And the "licence" process has asset "application" with:
        | quantity | 50    |
        | shipment | cargo |
      And the possible actions of the "licence" process are:
        | issue    | authority |
        | refuse   | authority |
        | withdraw | applicant |
      And "Customs" cannot run the "issue" action of the "licence" process with:
        | number      | X-1        |
        | quantity    | -1         |
        | valid_until | 2026-12-31 |
      When "Customs" runs the "issue" action of the "licence" process with:
        | number      | X-1        |
        | quantity    | 50         |
        | valid_until | 2026-12-31 |
      And "Customs" runs the "write" action of the "licence" process
      Then the "licence" process is in the "issued" state
      And the "licence" process has asset "licence" with:
        | number   | X-1 |
        | quantity | 50  |
      And the possible actions of the "licence" process are:
        | tell_issued | authority |
      When the nodes do what waits
      Then the "licence" process is completed
      And the "cargo" process is in the "licensed" state
      And the "cargo" process has asset "licence" with:
        | number  | X-1     |
        | process | licence |

    Scenario: The licence has a text
      When "Customs" runs the "issue" action of the "licence" process with:
        | number      | X-1        |
        | quantity    | 50         |
        | valid_until | 2026-12-31 |
      And "Customs" runs the "write" action of the "licence" process
      Then the document "document" of the "licence" process says "at most 50 pieces"

    Scenario: The shipment has not come so far, and is told twelve hours later
      Given "Customs" runs the "issue" action of the "licence" process with:
        | number      | X-1        |
        | quantity    | 50         |
        | valid_until | 2026-12-31 |
      And "Customs" runs the "write" action of the "licence" process
      When the nodes do what waits
      Then the "licence" process is in the "issued" state
      When "Bo" runs the "agree" action of the "cargo" process
      And 11 hours pass
      Then the "licence" process is in the "issued" state
      When 1 hour passes
      Then the "licence" process is completed
      And the "cargo" process is in the "licensed" state

    Scenario: A licence that the shipment does not take in five days stands all the same
      Given "Customs" runs the "issue" action of the "licence" process with:
        | number      | X-1        |
        | quantity    | 50         |
        | valid_until | 2026-12-31 |
      And "Customs" runs the "write" action of the "licence" process
      When 4 days pass
      Then the "licence" process is in the "issued" state
      When 1 day passes
      Then the "licence" process is completed
      And the "cargo" process is in the "announced" state

    Scenario: It is refused, and the shipment is told
      Given "Bo" runs the "agree" action of the "cargo" process
      Then "Customs" cannot run the "refuse" action of the "licence" process with:
        | reason |  |
      When "Customs" runs the "refuse" action of the "licence" process with:
        | reason | Not to this buyer. |
      Then the "licence" process is in the "refused" state
      And the "licence" process has asset "refusal" with:
        | reason | Not to this buyer. |
      And the possible actions of the "licence" process are:
        | tell_refused | authority |
      When the nodes do what waits
      Then the "licence" process has failed
      And the "cargo" process has failed
      And the "cargo" process has asset "refusal" with:
        | reason | Not to this buyer. |

    Scenario: A refusal that the shipment does not take in five days stands all the same
      Given "Customs" runs the "refuse" action of the "licence" process with:
        | reason | Not to this buyer. |
      When 4 days pass
      Then the "licence" process is in the "refused" state
      When 1 day passes
      Then the "licence" process has failed

    Scenario: The applicant withdraws
      When "Elli" runs the "withdraw" action of the "licence" process
      Then the "licence" process is cancelled

    Scenario: An authority that is silent for six weeks has neither issued nor refused
      When 41 days pass
      Then the "licence" process is in the "applied" state
      When 1 day passes
      Then the "licence" process is cancelled

    Scenario: Nobody but the authority tells the shipment
      Given "Bo" runs the "agree" action of the "cargo" process
      Then "Elli" cannot run the "take_licence" action of the "cargo" process
      When "Customs" runs the "issue" action of the "licence" process with:
        | number      | X-1        |
        | quantity    | 50         |
        | valid_until | 2026-12-31 |
      And "Customs" runs the "write" action of the "licence" process
      Then "Elli" cannot run the "tell_issued" action of the "licence" process

  Rule: The document

    Background:
      Given "Elli" runs the "apply" action of the "licence" process with:
        | shipment    | cargo                |
        | applicant   | Elli                 |
        | goods       | Night vision goggles |
        | code        | "90138000"           |
        | quantity    | 50                   |
        | unit        | pieces               |
        | destination | CA                   |
        | purpose     | Rescue               |
      And "Customs" runs the "issue" action of the "licence" process with:
        | number      | "X-1\u000b" |
        | quantity    | 50          |
        | valid_until | 2026-12-31  |

    Scenario: What no document can hold is told, and corrected
      Then the "licence" process is in the "writing" state
      When the nodes do what waits
      Then the "licence" process is in the "unwritten" state
      And the "licence" process has asset "document" with:
        | hash    | null |
        | message | null |
        | problem | The value of "assets.licence.number" holds characters that no document can hold. |
      When "Customs" runs the "issue" action of the "licence" process with:
        | number      | X-1        |
        | quantity    | 50         |
        | valid_until | 2026-12-31 |
      Then the "licence" process is in the "writing" state
      When the nodes do what waits
      Then the "licence" process is in the "issued" state
      And the "licence" process has asset "document" with:
        | problem | null |
      And the document "document" of the "licence" process says "X-1"

    Scenario: A node that writes nothing lets it lapse after three days
      Given the node of "Customs" is down
      And 2 days pass
      Then the "licence" process is in the "writing" state
      When 1 day passes
      And 1 hour passes
      Then the "licence" process is cancelled

    Scenario: What cannot be written lapses after two weeks
      Given the nodes do what waits
      And 13 days pass
      Then the "licence" process is in the "unwritten" state
      When 1 day passes
      Then the "licence" process is cancelled

    Scenario: What cannot be written may be refused
      Given the nodes do what waits
      When "Customs" runs the "refuse" action of the "licence" process with:
        | reason | The number is wrong. |
      Then the "licence" process is in the "refused" state
