Feature: Replacing the keys of a party that lost them
  Members agree beforehand how somebody who lost all keys comes back, and do it then.

  # survives: patch-flipped $.actions.propose.responses.ok.update[0].patch: There is one proposal, and nothing before it to add to.
  # survives: patch-flipped $.actions.report.responses.ok.update[1].patch: A text is replaced either way.

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "key-recovery" scenario
    And "Ann" is the "member_1" actor
    And "Bob" is the "member_2" actor
    And "Carl" is the "member_3" actor

  Scenario: Nothing is proposed after all
    Then the possible actions are:
      | propose  | member_1 |
      | withdraw | member_1 |
    And "Bob" cannot run the "propose" action
    And "Bob" cannot run the "withdraw" action
    When "Ann" runs the "withdraw" action
    Then the process is cancelled

  Scenario: At least one more has to agree, and at most two
    Then "Ann" cannot run the "propose" action with:
      | text      | Supply agreement |
      | approvals | 0                |
    And "Ann" cannot run the "propose" action with:
      | text      | Supply agreement |
      | approvals | 3                |

  Scenario: Three members are enough where one more has to agree
    When "Ann" runs the "propose" action with:
      | text      | Supply agreement |
      | approvals | 1                |
    And "Bob" runs the "agree" action
    Then the process is in the "agreeing" state
    When "Carl" runs the "agree" action
    Then the process is in the "standing" state
    When "Ann" runs the "report" action with:
      | member | member_4         |
      | name   | Nobody           |
      | email  | dora@example.com |
      | reason | There is none.   |
    Then the process is in the "standing" state

  Scenario: Three members are too few where two more have to agree
    When "Ann" runs the "propose" action with:
      | text      | Supply agreement |
      | approvals | 2                |
    And "Bob" runs the "agree" action
    And "Carl" runs the "agree" action
    Then the process is in the "agreeing" state
    When the deadline passes
    Then the process is cancelled

  Scenario: Two more have to agree, each once
    Given "Dora" is the "member_4" actor
    When "Ann" runs the "propose" action with:
      | text      | Supply agreement |
      | approvals | 2                |
    And "Bob" runs the "agree" action
    And "Carl" runs the "agree" action
    And "Dora" runs the "agree" action
    And "Ann" runs the "report" action with:
      | member | member_3                 |
      | name   | Carpenter Ltd.           |
      | email  | office@carpenter.example |
      | reason | They told me.            |
    And "Dora" runs the "approve" action
    Then the process is in the "reported" state
    And "Dora" cannot run the "approve" action
    When "Bob" runs the "approve" action
    Then the process is in the "replacing" state

  Rule: It is proposed to four

    Background:
      Given "Dora" is the "member_4" actor
      And "Ann" runs the "propose" action with:
        | text      | Supply agreement |
        | approvals | 1                |

    Scenario: The proposal says what was agreed
      Then the process is in the "agreeing" state
      And the process has asset "purpose" with:
        | text      | Supply agreement |
        | approvals | 1                |
      And the "member_1" actor has:
        | agreed | true |
      And "Ann" cannot run the "agree" action
      And "Ann" cannot run the "decline" action

    Scenario Outline: <who> declines
      When "<who>" runs the "decline" action
      Then the process has failed

      Examples:
        | who  |
        | Bob  |
        | Carl |
        | Dora |

    Scenario: It lapses unless all agree within 14 days
      When "Bob" runs the "agree" action
      Then "Bob" cannot run the "agree" action
      And the "member_2" actor has:
        | agreed | true |
      When "Dora" runs the "agree" action
      And 13 days pass
      Then the process is in the "agreeing" state
      When 1 day passes
      Then the process is cancelled

  Rule: It is in force, and one more has to agree

    Background:
      Given "Dora" is the "member_4" actor
      And "Ann" runs the "propose" action with:
        | text      | Supply agreement |
        | approvals | 1                |
      And "Bob" runs the "agree" action
      And "Carl" runs the "agree" action
      And "Dora" runs the "agree" action

    Scenario: It ends a year after it was last used
      Then the process is in the "standing" state
      When 364 days pass
      Then the process is in the "standing" state
      When 2 days pass
      Then the process is completed

    Scenario Outline: <lost> lost the keys; <reporter> reports it, and <other> agrees
      When "<reporter>" runs the "report" action with:
        | member | <key>                                      |
        | name   | Carpenter Ltd.                             |
        | email  | office@carpenter.example                   |
        | reason | The laptop broke; they called me on 2 May. |
      Then the process is in the "reported" state
      And the process has asset "loss" with:
        | member      | <key>                    |
        | name        | Carpenter Ltd.           |
        | email       | office@carpenter.example |
        | reported_by | <by>                     |
      And "<reporter>" cannot run the "approve" action
      And "<lost>" cannot run the "approve" action
      And "<other>" cannot run the "object" action
      And "<lost>" may run the "object" action
      When "<other>" runs the "approve" action
      Then the process is in the "replacing" state
      When the nodes do what waits
      Then the process is in the "replaced" state
      And an invitation has been sent to "office@carpenter.example" with:
        | identity | <lost>         |
        | name     | Carpenter Ltd. |
        | inviter  | <reporter>     |
        | accepted | false          |
      And "<reporter>" cannot run the "confirm" action
      And "<other>" cannot run the "confirm" action
      When "<lost>" accepts the invitation
      And "<lost>" runs the "confirm" action
      Then the process is in the "standing" state

      Examples:
        | reporter | by       | lost | key      | other |
        | Ann      | member_1 | Bob  | member_2 | Carl  |
        | Bob      | member_2 | Carl | member_3 | Dora  |
        | Carl     | member_3 | Dora | member_4 | Ann   |
        | Dora     | member_4 | Ann  | member_1 | Bob   |

    Scenario Outline: <lost> has the keys, and objects
      When "<reporter>" runs the "report" action with:
        | member | <key>                    |
        | name   | Carpenter Ltd.           |
        | email  | thief@carpenter.example  |
        | reason | I would like to be them. |
      And "<lost>" runs the "object" action
      Then the process is in the "standing" state

      Examples:
        | reporter | lost | key      |
        | Dora     | Ann  | member_1 |
        | Ann      | Bob  | member_2 |
        | Ann      | Carl | member_3 |
        | Ann      | Dora | member_4 |

    Scenario: Nobody reports their own loss; the year begins anew all the same
      When 200 days pass
      And "Carl" runs the "report" action with:
        | member | member_3                 |
        | name   | Carpenter Ltd.           |
        | email  | office@carpenter.example |
        | reason | My laptop broke.         |
      Then the process is in the "standing" state
      When 200 days pass
      Then the process is in the "standing" state

    Scenario: A report names an address and a member
      Then "Ann" cannot run the "report" action with:
        | member | member_3       |
        | name   | Carpenter Ltd. |
        | email  | Carpenter      |
        | reason | They told me.  |
      And "Ann" cannot run the "report" action with:
        | member | member_5                 |
        | name   | Carpenter Ltd.           |
        | email  | office@carpenter.example |
        | reason | They told me.            |

  Rule: A loss is reported, and one more has to agree

    Background:
      Given "Dora" is the "member_4" actor
      And "Ann" runs the "propose" action with:
        | text      | Supply agreement |
        | approvals | 1                |
      And "Bob" runs the "agree" action
      And "Carl" runs the "agree" action
      And "Dora" runs the "agree" action
      And "Ann" runs the "report" action with:
        | member | member_3                 |
        | name   | Carpenter Ltd.           |
        | email  | office@carpenter.example |
        | reason | They told me.            |

    Scenario: It lapses after a week in which nobody agrees
      When 6 days pass
      Then the process is in the "reported" state
      When 1 day passes
      Then the process is in the "standing" state

    Scenario: The invitation cannot be sent, and the next report starts anew
      When "Bob" runs the "approve" action
      Then the process has:
        | assets.approvals | ["member_2"] |
      When "Ann" runs the "replace" action giving an "error" response with:
        | message | There is no such address. |
      Then the process is in the "standing" state
      And the process has:
        | assets.loss.problem | There is no such address. |
        | assets.loss.member  | member_3                  |
      When "Ann" runs the "report" action with:
        | member | member_3                |
        | name   | Carpenter Ltd.          |
        | email  | hello@carpenter.example |
        | reason | They told me again.     |
      Then the process is in the "reported" state
      And the process has:
        | assets.loss.problem | null |
        | assets.approvals    | []   |
      And "Bob" may run the "approve" action

    Scenario: The node of who reported is silent, and no other node replaces the keys
      Given the node of "Ann" is down
      When "Bob" runs the "approve" action
      And 2 days pass
      Then the process is in the "replacing" state
      When 25 hours pass
      Then the process is in the "standing" state

    Scenario: The invitation is not taken within 14 days
      When "Bob" runs the "approve" action
      And the nodes do what waits
      And 13 days pass
      Then the process is in the "replaced" state
      And "Carl" cannot run the "confirm" action
      When 25 hours pass
      Then the process is in the "standing" state
