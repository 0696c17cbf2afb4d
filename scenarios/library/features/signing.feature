Feature: Signing a document
  One party presents a document; a signature page is written, and both sign, in either order.

  # survives: patch-flipped $.actions.write.responses.error.update.patch: Where writing fails, nothing was written before.
  # survives: patch-flipped $.actions.refuse.responses.ok.update.patch: There is one refusal, and nothing before it to add to.

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "signing" scenario
    And "Ann" is the "sender" actor of the "main" process with:
      | name | Ann |
    And "Bob" is the "recipient" actor of the "main" process with:
      | name | Bob |

  Scenario: Nothing is presented after all
    Then the possible actions are:
      | present  | sender |
      | withdraw | sender |
    When "Ann" runs the "withdraw" action
    Then the process is cancelled

  Scenario: A document is named by its hash
    Then "Ann" cannot run the "present" action with:
      | title | Lease |
    And "Ann" cannot run the "present" action with:
      | title  | Lease |
      | sha256 | 9F86  |

  Rule: A document is there

    Background:
      Given "Ann" runs the "present" action giving an "ok" response with:
        | title      | Lease                                                            |
        | sha256     | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | media_type | application/pdf                                                  |
        | size       | 4                                                                |

    Scenario: No node writes the signature page within three days
      Given the node of "Ann" is down
      When P2D pass
      Then the process is in the "writing" state
      When P1D pass
      And PT1H passes
      Then the process is cancelled

  Rule: The signature page is written

    Background:
      Given "Ann" runs the "present" action with:
        | title      | Lease                                                            |
        | sha256     | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | media_type | application/pdf                                                  |
        | size       | 4                                                                |
      And the node of "Ann" runs the "write" action

    Scenario: It is what was presented
      Then the process is in the "signing" state
      And the process has asset "page" with:
        | $schema | urn:livecontract:document:1 |
      And the process has asset "document" with:
        | title      | Lease                                                            |
        | sha256     | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | media_type | application/pdf                                                  |
        | size       | 4                                                                |
      And the possible actions are:
        | sign     | sender, recipient |
        | refuse   | recipient         |
        | withdraw | sender            |

    Scenario Outline: Both sign, <first> first
      When "<first>" runs the "sign" action
      Then the process is in the "signing" state
      And the "<actor>" actor has:
        | signed | true    |
        | name   | <first> |
      And "<first>" cannot run the "sign" action
      When "<second>" runs the "sign" action
      Then the process is completed

      Examples:
        | first | actor     | second |
        | Ann   | sender    | Bob    |
        | Bob   | recipient | Ann    |

    Scenario: The recipient refuses, and says why
      Then "Bob" cannot run the "refuse" action with:
        """
        null
        """
      When "Bob" runs the "refuse" action with:
        | reason | Wrong address. |
      Then the process has failed
      And the process has asset "refusal" with:
        | reason | Wrong address. |

    Scenario: Who has signed does not refuse any more, and the sender may still withdraw
      When "Bob" runs the "sign" action
      Then the possible actions are:
        | sign     | sender |
        | withdraw | sender |
      When "Ann" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The document lapses after 30 days
      When P29D pass
      Then the process is in the "signing" state
      When P1D pass
      Then the process is cancelled

  Rule: The title holds a character that no document can hold

    Background:
      Given "Ann" runs the "present" action with:
        | title      | "Lease\u000bof a home"                                           |
        | sha256     | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
        | media_type | application/pdf                                                  |
      And the node of "Ann" runs the "write" action

    Scenario: The sender is told, and presents it again
      Then the process is in the "unwritten" state
      And the process has asset "page" with:
        | problem | The value of "document.title" holds characters that no document can hold. |
        | message | null                                                                      |
      And the possible actions are:
        | present  | sender |
        | withdraw | sender |
      When "Ann" runs the "present" action with:
        | title  | Lease of a home                                                  |
        | sha256 | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
      Then the process has asset "document" with:
        | media_type | null |
      When the node of "Ann" runs the "write" action
      Then the process is in the "signing" state
      And the process has asset "page" with:
        | problem | null |

    Scenario: The sender withdraws it
      When "Ann" runs the "withdraw" action
      Then the process is cancelled

    Scenario: It lapses after 14 days
      When P13D pass
      Then the process is in the "unwritten" state
      When P1D pass
      Then the process is cancelled
