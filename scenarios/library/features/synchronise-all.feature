Feature: Synchronising by the acknowledgement of all
  One says what has been reached; nobody goes on before everybody else has acknowledged it.

  # survives: patch-flipped $.actions.announce.responses.ok.update.patch: There is one announcement, and nothing before it to add to.
  # survives: patch-flipped $.actions.object.responses.ok.update.patch: There is one objection, and nothing before it to add to.

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "synchronise-all" scenario
    And "Ann" is the "announcer" actor
    And "Ben" is the "member_1" actor with:
      | name | Ben |
    And "Cas" is the "member_2" actor with:
      | name | Cas |
    And "Dan" is the "member_3" actor with:
      | name | Dan |
    And "Eva" is the "member_4" actor with:
      | name | Eva |
    And "Fay" is the "member_5" actor with:
      | name | Fay |

  Scenario: Nothing is announced after all
    Then the possible actions are:
      | announce | announcer |
      | withdraw | announcer |
    When "Ann" runs the "withdraw" action
    Then the process is cancelled

  Scenario: An announcement says what has been reached
    Then "Ann" cannot run the "announce" action with:
      | subject |  |

  Rule: It is announced what has been reached

    Background:
      Given "Ann" runs the "announce" action with:
        | subject | The goods are on board. |

    Scenario: All acknowledge, in any order
      Then the process is in the "announced" state
      And the process has asset "announcement" with:
        | subject | The goods are on board. |
      And the possible actions are:
        | acknowledge | member_1, member_2, member_3, member_4, member_5 |
        | object      | member_1, member_2, member_3, member_4, member_5 |
        | withdraw    | announcer                                        |
      When "Fay" runs the "acknowledge" action
      Then "Fay" cannot run the "acknowledge" action
      And the "member_5" actor has:
        | acknowledged | true |
        | name         | Fay  |
      When "Ben" runs the "acknowledge" action
      And "Dan" runs the "acknowledge" action
      And "Cas" runs the "acknowledge" action
      Then the process is in the "announced" state
      When "Eva" runs the "acknowledge" action
      Then the process is completed

    Scenario Outline: <who> objects
      Then "<who>" cannot run the "object" action with:
        | reason |  |
      When "<who>" runs the "object" action with:
        | reason | One crate is missing. |
      Then the process has failed
      And the process has asset "objection" with:
        | by     | <title>               |
        | reason | One crate is missing. |

      Examples:
        | who | actor    | title    |
        | Ben | member_1 | Member 1 |
        | Cas | member_2 | Member 2 |
        | Dan | member_3 | Member 3 |
        | Eva | member_4 | Member 4 |
        | Fay | member_5 | Member 5 |

    Scenario: Who announced withdraws
      Given "Ben" runs the "acknowledge" action
      When "Ann" runs the "withdraw" action
      Then the process is cancelled

    Scenario: Without everybody's word nobody goes on
      Given "Ben" runs the "acknowledge" action
      When 6 days pass
      Then the process is in the "announced" state
      When 1 day passes
      Then the process is cancelled

  Rule: Fewer than five take part

    Scenario: Only who is bound has to acknowledge
      Given "Ann" creates the "two" process using the "synchronise-all" scenario
      And "Ann" is the "announcer" actor of the "two" process
      And "Ben" is the "member_1" actor of the "two" process
      And "Cas" is the "member_4" actor of the "two" process
      When "Ann" runs the "announce" action of the "two" process with:
        | subject | The goods are on board. |
      And "Ben" runs the "acknowledge" action of the "two" process
      Then the "two" process is in the "announced" state
      When "Cas" runs the "acknowledge" action of the "two" process
      Then the "two" process is completed
