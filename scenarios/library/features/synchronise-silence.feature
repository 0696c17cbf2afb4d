Feature: Synchronising by silence
  One says what has been reached; whoever sees something else objects in time, and silence is consent.

  # survives: patch-flipped $.actions.announce.responses.ok.update.patch: There is one announcement, and nothing before it to add to.
  # survives: patch-flipped $.actions.object.responses.ok.update.patch: There is one objection, and nothing before it to add to.

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "synchronise-silence" scenario
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

  Scenario: An announcement says in how many days to object
    Then "Ann" cannot run the "announce" action with:
      | subject | The goods are on board. |
      | days    | 0                       |

  Rule: It is announced what has been reached

    Background:
      Given "Ann" runs the "announce" action with:
        | subject | The goods are on board. |
        | days    | 4                       |

    Scenario: The days begin when the node of the first member takes notice
      Then the process is in the "announced" state
      And the process has asset "announcement" with:
        | subject | The goods are on board. |
        | days    | 4                       |
      And the possible actions are:
        | notice   | member_1, member_2, member_3, member_4, member_5 |
        | object   | member_1, member_2, member_3, member_4, member_5 |
        | withdraw | announcer                                        |
      When the nodes do what waits
      Then the process is in the "open" state
      And the process has:
        | previous.1.actor.key | member_1 |
      And the possible actions are:
        | object   | member_1, member_2, member_3, member_4, member_5 |
        | withdraw | announcer                                        |
      When 3 days pass
      Then the process is in the "open" state
      When 1 day passes
      Then the process is completed

    Scenario Outline: Any member's node may take notice, such as that of <who>
      When the node of "<who>" runs the "notice" action
      Then the process is in the "open" state

      Examples:
        | who | actor    | title    |
        | Ben | member_1 | Member 1 |
        | Cas | member_2 | Member 2 |
        | Dan | member_3 | Member 3 |
        | Eva | member_4 | Member 4 |
        | Fay | member_5 | Member 5 |

    Scenario: An announcement that the first member's node does not notice lapses
      Given the node of "Ben" is down
      When 2 days pass
      Then the process is in the "announced" state
      When 1 day passes
      Then the process is cancelled

    Scenario Outline: <who> objects before it was noticed
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

    Scenario: Who announced withdraws before it was noticed
      When "Ann" runs the "withdraw" action
      Then the process is cancelled

    Scenario: One objection in time is enough
      Given the nodes do what waits
      And 3 days pass
      When "Eva" runs the "object" action with:
        | reason | One crate is missing. |
      Then the process has failed

    Scenario: Who announced withdraws in time
      Given the nodes do what waits
      When "Ann" runs the "withdraw" action
      Then the process is cancelled
