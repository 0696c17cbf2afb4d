Feature: Replacing the keys of a party that lost them

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "key-recovery" scenario
    And "Ann" is the "member_1" actor
    And "Bob" is the "member_2" actor
    And "Carl" is the "member_3" actor

  Scenario: Keys lost, agreed to, replaced, and the party is back
    Given "Dora" is the "member_4" actor
    When "Ann" runs the "propose" action with:
      | text      | Supply agreement of 3 March 2026 |
      | approvals | 1                                |
    And "Bob" runs the "agree" action
    And "Carl" runs the "agree" action
    And "Dora" runs the "agree" action
    Then the process is in the "standing" state
    When "Ann" runs the "report" action with:
      | member | member_3                                  |
      | name   | Carpenter Ltd.                            |
      | email  | office@carpenter.example                  |
      | reason | The laptop broke; they called me on 2 May. |
    And "Bob" runs the "approve" action
    And the nodes do what waits
    Then the process is in the "replaced" state
    And an invitation has been sent to "office@carpenter.example" with:
      | identity | Carl           |
      | name     | Carpenter Ltd. |
    When "Carl" accepts the invitation
    And "Carl" runs the "confirm" action
    Then the process is in the "standing" state
    When 1 year passes
    Then the process is completed
