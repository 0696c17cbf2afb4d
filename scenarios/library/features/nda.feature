Feature: Non-disclosure agreement
  Two parties agree on terms, and both sign the document that is made from them.

  # survives: patch-flipped $.actions.write.responses.error.update.patch: Where writing fails, nothing was written before.

  Background:
    Given a chain is created by "Acme"
    And "Acme" creates the "main" process using the "nda" scenario
    And "Acme" is the "discloser" actor of the "main" process with:
      | name | Acme Corp |
    And "Beta" is the "recipient" actor of the "main" process with:
      | name | Beta Ltd |

  Scenario: Terms are proposed, changed, agreed on, and signed by both
    Then the possible actions are:
      | propose  | discloser |
      | withdraw | discloser |
    When "Acme" runs the "propose" action giving an "ok" response with:
      | discloser | Acme Corp           |
      | recipient | Beta Ltd            |
      | purpose   | Judging a take-over |
      | years     | 3                   |
      | law       | the Netherlands     |
      | penalty   | 50000               |
    Then the process is in the "proposed" state
    And the process has asset "terms" with:
      | recipient | Beta Ltd |
      | penalty   | 50000    |
    And the possible actions are:
      | agree           | recipient |
      | ask_for_changes | recipient |
      | decline         | recipient |
      | withdraw        | discloser |
    When "Beta" runs the "ask_for_changes" action with:
      | wish | No penalty, please. |
    Then the process is in the "changing" state
    And the possible actions are:
      | propose  | discloser |
      | decline  | recipient |
      | withdraw | discloser |
    And the process has asset "wishes" with:
      | 0 | No penalty, please. |
    When "Acme" runs the "propose" action with:
      | discloser | Acme Corp           |
      | recipient | Beta Ltd            |
      | purpose   | Judging a take-over |
      | years     | 4                   |
      | law       | the Netherlands     |
    And "Beta" runs the "ask_for_changes" action with:
      | wish | Three years, please. |
    Then the process has asset "wishes" with:
      """
      ["No penalty, please.", "Three years, please."]
      """
    When "Acme" runs the "propose" action with:
      | discloser | Acme Corp           |
      | recipient | Beta Ltd            |
      | purpose   | Judging a take-over |
      | years     | 3                   |
      | law       | the Netherlands     |
    Then the process has asset "terms" with:
      | years   | 3    |
      | penalty | null |
    When "Beta" runs the "agree" action
    Then the process is in the "writing" state
    When the node of "Acme" runs the "write" action
    Then the process is in the "signing" state
    And the process has asset "agreement" with:
      | $schema    | urn:livecontract:document:1             |
      | media_type | application/vnd.oasis.opendocument.text |
    And the possible actions are:
      | sign     | discloser, recipient |
      | decline  | recipient            |
      | withdraw | discloser            |
    When "Beta" runs the "sign" action
    Then the process is in the "signing" state
    And "Receiving party signed" is in the history
    And the "recipient" actor has:
      | signed | true     |
      | name   | Beta Ltd |
    And "Beta" cannot run the "sign" action
    When "Acme" runs the "sign" action
    Then the process is completed
    And no action is possible

  Scenario: The terms have to be complete
    Then "Acme" cannot run the "propose" action with:
      | discloser | Acme Corp           |
      | recipient | Beta Ltd            |
      | purpose   | Judging a take-over |
      | years     | 3                   |

  Scenario: Nothing is proposed after all
    When "Acme" runs the "withdraw" action
    Then the process is cancelled

  Scenario: The agreement cannot be written with a character that no document can hold, and is corrected
    Given "Acme" runs the "propose" action with:
      | discloser | Acme Corp                 |
      | recipient | Beta Ltd                  |
      | purpose   | "Judging a\u000btake-over" |
      | years     | 3                         |
      | law       | the Netherlands           |
    And "Beta" runs the "agree" action
    When the node of "Acme" runs the "write" action
    Then the process is in the "unwritten" state
    And the process has asset "agreement" with:
      | problem | The value of "assets.terms.purpose" holds characters that no document can hold. |
      | message | null                                                                            |
    And the possible actions are:
      | propose  | discloser |
      | decline  | recipient |
      | withdraw | discloser |
    When P13D pass
    Then the process is in the "unwritten" state
    When "Acme" runs the "propose" action with:
      | discloser | Acme Corp           |
      | recipient | Beta Ltd            |
      | purpose   | Judging a take-over |
      | years     | 3                   |
      | law       | the Netherlands     |
    Then the process is in the "proposed" state
    When "Beta" runs the "agree" action
    And the node of "Acme" runs the "write" action
    Then the process is in the "signing" state
    And the process has asset "agreement" with:
      | problem | null |

  Scenario Outline: An agreement that cannot be written ends with <action> by <who>
    Given "Acme" runs the "propose" action with:
      | discloser | Acme Corp                 |
      | recipient | Beta Ltd                  |
      | purpose   | "Judging a\u000btake-over" |
      | years     | 3                         |
      | law       | the Netherlands           |
    And "Beta" runs the "agree" action
    And the node of "Acme" runs the "write" action
    When "<who>" runs the "<action>" action
    Then the process is in the "<state>" state

    Examples:
      | who  | action   | state      |
      | Beta | decline  | :failed    |
      | Acme | withdraw | :cancelled |

  Scenario: An agreement that cannot be written and is not corrected within 14 days ends
    Given "Acme" runs the "propose" action with:
      | discloser | Acme Corp                 |
      | recipient | Beta Ltd                  |
      | purpose   | "Judging a\u000btake-over" |
      | years     | 3                         |
      | law       | the Netherlands           |
    And "Beta" runs the "agree" action
    And the node of "Acme" runs the "write" action
    When P13D pass
    Then the process is in the "unwritten" state
    When P1D pass
    Then the process is cancelled

  Rule: There are terms

    Background:
      Given "Acme" runs the "propose" action with:
        | discloser | Acme Corp           |
        | recipient | Beta Ltd            |
        | purpose   | Judging a take-over |
        | years     | 3                   |
        | law       | the Netherlands     |

    Scenario: Whoever asks for changes says which
      Then "Beta" cannot run the "ask_for_changes" action with:
        | wish |  |

    Scenario: The proposal is declined
      When "Beta" runs the "decline" action
      Then the process has failed

    Scenario: The proposal is withdrawn
      When "Acme" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The proposal lapses after 30 days
      When P29D pass
      Then the process is in the "proposed" state
      When P1D pass
      Then the process is cancelled

    Scenario Outline: Instead of making changes, it ends with <action> by <who>
      Given "Beta" runs the "ask_for_changes" action with:
        | wish | One year, please. |
      When "<who>" runs the "<action>" action
      Then the process is in the "<state>" state

      Examples:
        | who  | action   | state      |
        | Beta | decline  | :failed    |
        | Acme | withdraw | :cancelled |

    Scenario: Nobody makes the changes within 30 days
      Given "Beta" runs the "ask_for_changes" action with:
        | wish | One year, please. |
      When P29D pass
      Then the process is in the "changing" state
      When P1D pass
      Then the process is cancelled

    Scenario: No node writes the agreement within three days
      Given "Beta" runs the "agree" action
      And the node of "Acme" is down
      When P2D pass
      Then the process is in the "writing" state
      When P1D pass
      And PT1H passes
      Then the process is cancelled

    Scenario: Neither terms nor agreement change while they are signed
      Given "Beta" runs the "agree" action
      And the node of "Acme" runs the "write" action
      Then "Acme" cannot run the "propose" action
      And "Acme" cannot run the "write" action

    Scenario Outline: Until both have signed, the agreement can still end with <action> by <who>
      Given "Beta" runs the "agree" action
      And the node of "Acme" runs the "write" action
      And "Acme" runs the "sign" action
      When "<who>" runs the "<action>" action
      Then the process is in the "<state>" state

      Examples:
        | who  | action   | state      |
        | Beta | decline  | :failed    |
        | Acme | withdraw | :cancelled |

    Scenario: Nobody signs within 30 days
      Given "Beta" runs the "agree" action
      And the node of "Acme" runs the "write" action
      When P29D pass
      Then the process is in the "signing" state
      When P1D pass
      Then the process is cancelled
