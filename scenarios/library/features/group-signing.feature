Feature: Signing by several parties
  All signers, two thirds of them, or more than half have to sign the document that one party presents.

  # survives: patch-flipped $.actions.present.responses.ok.update[1].patch: It is the first of the counts, and nothing stands there before.
  # survives: patch-flipped $.actions.write.responses.error.update.patch: Only a problem can stand there before, and it is replaced either way.

  Background:
    Given a chain is created by "Sam"
    And "Sam" creates the "main" process using the "group-signing" scenario
    And "Sam" is the "sender" actor

  Scenario: Nothing is presented after all
    Given "Ann" is the "signer_1" actor
    Then the possible actions are:
      | present  | sender |
      | withdraw | sender |
    When "Sam" runs the "withdraw" action
    Then the process is cancelled

  Scenario: A document is named by its hash, with the rule for signing
    Given "Ann" is the "signer_1" actor
    Then "Sam" cannot run the "present" action with:
      | title  | Statutes |
      | sha256 | 9f86     |
      | rule   | all      |
    And "Sam" cannot run the "present" action with:
      | title  | Statutes                                                         |
      | sha256 | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
      | rule   | one                                                              |

  Scenario Outline: Of <signers> signers <needed> have to sign where the rule is "<rule>"
    Given "Ann" is the "signer_1" actor
    And "Ben" is the "signer_2" actor
    And "Cas" is the "<third>" actor
    And "Dan" is the "<fourth>" actor
    When "Sam" runs the "present" action with:
      | title  | Statutes                                                         |
      | sha256 | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
      | rule   | <rule>                                                           |
    And "Sam" runs the "write" action
    Then the process has asset "count" with:
      | signers    | <signers>    |
      | needed     | <needed>     |
      | may_refuse | <may_refuse> |

    Examples:
      | rule           | third    | fourth   | signers | needed | may_refuse |
      | all            | signer_3 | signer_4 | 4       | 4      | 0          |
      | two thirds     | signer_3 | signer_4 | 4       | 3      | 1          |
      | more than half | signer_3 | signer_4 | 4       | 3      | 1          |
      | two thirds     | signer_3 | signer_3 | 3       | 2      | 1          |
      | more than half | signer_3 | signer_3 | 3       | 2      | 1          |
      | more than half | signer_2 | signer_2 | 2       | 2      | 0          |

  Rule: Six have to sign

    Background:
      Given "Ann" is the "signer_1" actor with:
        | name | Ann |
      And "Ben" is the "signer_2" actor with:
        | name | Ben |
      And "Cas" is the "signer_3" actor with:
        | name | Cas |
      And "Dan" is the "signer_4" actor with:
        | name | Dan |
      And "Eva" is the "signer_5" actor with:
        | name | Eva |
      And "Fay" is the "signer_6" actor with:
        | name | Fay |
      And "Sam" runs the "present" action with:
        | title  | Statutes                                                         |
        | sha256 | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | rule   | all                                                              |
      And "Sam" runs the "write" action

    Scenario: All sign, in any order
      Then the process is in the "signing" state
      And the process has asset "document" with:
        | title  | Statutes                                                         |
        | sha256 | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | rule   | all                                                              |
      And the possible actions are:
        | sign     | signer_1, signer_2, signer_3, signer_4, signer_5, signer_6 |
        | refuse   | signer_1, signer_2, signer_3, signer_4, signer_5, signer_6 |
        | withdraw | sender                                                     |
      When "Fay" runs the "sign" action
      Then "Fay" cannot run the "sign" action
      And "Fay" cannot run the "refuse" action
      And the "signer_6" actor has:
        | signed | true |
        | name   | Fay  |
      When "Ann" runs the "sign" action
      And "Cas" runs the "sign" action
      And "Dan" runs the "sign" action
      And "Ben" runs the "sign" action
      Then the process is in the "signing" state
      When "Eva" runs the "sign" action
      Then the process is completed

    Scenario Outline: <who> refuses, and says why
      Then "<who>" cannot run the "refuse" action with:
        | reason |  |
      When "<who>" runs the "refuse" action with:
        | reason | Article 3 is missing. |
      Then the process has failed
      And the "<actor>" actor has:
        | refused | true  |
        | name    | <who> |
      And the process has:
        | assets.refusals.0.by     | <title>               |
        | assets.refusals.0.reason | Article 3 is missing. |

      Examples:
        | who | actor    | title    |
        | Ann | signer_1 | Signer 1 |
        | Ben | signer_2 | Signer 2 |
        | Cas | signer_3 | Signer 3 |
        | Dan | signer_4 | Signer 4 |
        | Eva | signer_5 | Signer 5 |
        | Fay | signer_6 | Signer 6 |

    Scenario: The sender withdraws the document
      Given "Ann" runs the "sign" action
      When "Sam" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The document lapses after 30 days
      When 29 days pass
      Then the process is in the "signing" state
      When 1 day passes
      Then the process is cancelled

  Rule: Two thirds of three have to sign

    Background:
      Given "Ann" is the "signer_1" actor
      And "Ben" is the "signer_2" actor
      And "Cas" is the "signer_3" actor
      And "Sam" runs the "present" action with:
        | title  | Statutes                                                         |
        | sha256 | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | rule   | two thirds                                                       |
      And "Sam" runs the "write" action

    Scenario: One may refuse
      When "Ann" runs the "refuse" action with:
        | reason | Not for me. |
      Then the process is in the "signing" state
      And "Ann" cannot run the "sign" action
      When "Ben" runs the "sign" action
      And "Cas" runs the "sign" action
      Then the process is completed

    Scenario: With the second refusal it has failed
      When "Ann" runs the "refuse" action with:
        | reason | Not for me. |
      And "Ben" runs the "refuse" action with:
        | reason | Nor for me. |
      Then the process has failed

    Scenario: Nobody adds a signature to what is signed
      When "Ann" runs the "sign" action
      And "Ben" runs the "sign" action
      Then the process is completed
      And "Cas" cannot run the "sign" action

  Rule: The document

    Background:
      Given "Ann" is the "signer_1" actor with:
        | name | Ann |
      And "Sam" runs the "present" action with:
        | title      | "Statutes\u000b"                                                 |
        | sha256     | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | rule       | all                                                              |
        | media_type | application/pdf                                                  |

    Scenario: What no document can hold is told, and corrected
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "unwritten" state
      And the process has asset "page" with:
        | hash    | null |
        | message | null |
        | problem | The value of "document.title" holds characters that no document can hold. |
      When "Sam" runs the "present" action with:
        | title  | Statutes                                                         |
        | sha256 | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | rule   | all                                                              |
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "signing" state
      And the process has asset "page" with:
        | problem | null |
      And the document "page" says "Statutes"
      And the process has asset "document" with:
        | media_type | null |

    Scenario: A node that writes nothing lets it lapse after three days
      Given the node of "Sam" is down
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
      When "Sam" runs the "withdraw" action
      Then the process is cancelled
