Feature: Transaction (DEMO)
  Request, promise, state, accept; with decline, reject and revoke.

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "demo-transaction" scenario
    And "Ann" is the "initiator" actor of the "main" process
    And "Bob" is the "executor" actor of the "main" process
    And "Ann" runs the "request" action with:
      | description | Paint the fence |
      | days        | 10              |

  Scenario: It goes as it should
    Then the process is in the "requested" state
    And the possible actions are:
      | promise        | executor  |
      | decline        | executor  |
      | revoke_request | initiator |
    When "Bob" runs the "promise" action
    Then the process is in the "promised" state
    And the possible actions are:
      | state          | executor  |
      | revoke_promise | executor  |
      | revoke_request | initiator |
    When "Bob" runs the "state" action with:
      | result | It is green. |
    Then the process is in the "stated" state
    And the process has asset "product" with:
      | description | Paint the fence |
      | days        | 10              |
      | result      | It is green.    |
    And the possible actions are:
      | accept           | initiator |
      | reject           | initiator |
      | revoke_statement | executor  |
    When "Ann" runs the "accept" action
    Then the process is completed

  Scenario: What is said has to have a form
    Then "Bob" cannot run the "decline" action with:
      | reason |  |
    When "Bob" runs the "promise" action
    Then "Bob" cannot run the "state" action with:
      | result |  |
    When "Bob" runs the "state" action with:
      | result | It is green. |
    Then "Ann" cannot run the "reject" action with:
      | reason |  |

  Scenario: Declined, asked for again in other words, declined for good
    When "Bob" runs the "decline" action with:
      | reason | Too soon. |
    Then the process is in the "declined" state
    And the process has asset "product" with:
      | description | Paint the fence |
      | reason      | Too soon.       |
    And the possible actions are:
      | request | initiator |
      | quit    | initiator |
    And "Ann" cannot run the "request" action with:
      | days | 20 |
    And "Ann" cannot run the "request" action with:
      | description | Paint the fence some time |
    When "Ann" runs the "request" action with:
      | description | Paint the fence some time |
      | days        | 20                        |
    Then the process is in the "requested" state
    And the process has asset "product" with:
      | description | Paint the fence some time |
      | days        | 20                        |
      | reason      | null                      |
    When "Bob" runs the "decline" action with:
      | reason | Never. |
    And "Ann" runs the "quit" action
    Then the process has failed

  Scenario: Rejected, stated again, rejected, and given up
    Given "Bob" runs the "promise" action
    And "Bob" runs the "state" action with:
      | result | It is green. |
    When "Ann" runs the "reject" action with:
      | reason | Not green enough. |
    Then the process is in the "rejected" state
    And the process has asset "product" with:
      | description | Paint the fence   |
      | reason      | Not green enough. |
    And the possible actions are:
      | state | executor |
      | stop  | executor |
    When "Bob" runs the "state" action with:
      | result | It is greener. |
    Then the process is in the "stated" state
    When "Ann" runs the "reject" action with:
      | reason | Never mind. |
    And "Bob" runs the "stop" action
    Then the process has failed

  Scenario: The request is taken back before the promise
    When "Ann" runs the "revoke_request" action
    Then the process is cancelled

  Scenario: The request is taken back after the promise, which the executor has to allow
    Given "Bob" runs the "promise" action
    When "Ann" runs the "revoke_request" action
    Then the process is in the "request_revoked" state
    And the possible actions are:
      | release_initiator | executor |
      | hold_initiator    | executor |
    When "Bob" runs the "hold_initiator" action
    Then the process is in the "promised" state
    When "Ann" runs the "revoke_request" action
    And "Bob" runs the "release_initiator" action
    Then the process is cancelled

  Scenario: The promise is taken back, which the initiator has to allow
    Given "Bob" runs the "promise" action
    When "Bob" runs the "revoke_promise" action
    Then the process is in the "promise_revoked" state
    And the possible actions are:
      | release_executor | initiator |
      | hold_executor    | initiator |
    When "Ann" runs the "hold_executor" action
    Then the process is in the "promised" state
    When "Bob" runs the "revoke_promise" action
    And "Ann" runs the "release_executor" action
    Then the process is in the "requested" state

  Scenario: The statement is taken back
    Given "Bob" runs the "promise" action
    And "Bob" runs the "state" action with:
      | result | It is green. |
    When "Bob" runs the "revoke_statement" action
    Then the process is in the "promised" state
    And "Ann" cannot run the "accept" action

  Rule: Nobody can let the other wait for ever

    Scenario: A request that is not answered lapses after 14 days
      When P13D pass
      Then the process is in the "requested" state
      When P1D pass
      Then the process is cancelled

    Scenario: Who does not ask again within 14 days has given up
      Given "Bob" runs the "decline" action with:
        | reason | Too soon. |
      When P13D pass
      Then the process is in the "declined" state
      When P1D pass
      Then the process has failed

    Scenario: A promise is overdue after the days that the request names
      Given "Bob" runs the "promise" action
      When P9D pass
      Then the process is in the "promised" state
      When P1D pass
      Then the process is in the "overdue" state
      And the possible actions are:
        | quit  | initiator |
        | state | executor  |
        | stop  | executor  |
      When P13D pass
      Then the process is in the "overdue" state
      When P1D pass
      Then the process has failed

    Scenario Outline: What is overdue ends with <action> by <who>
      Given "Bob" runs the "promise" action
      And the time of the state is over
      When "<who>" runs the "<action>" action
      Then the process has failed

      Examples:
        | who | action |
        | Ann | quit   |
        | Bob | stop   |

    Scenario: What is overdue can still be done
      Given "Bob" runs the "promise" action
      And the time of the state is over
      When "Bob" runs the "state" action with:
        | result | It is green. |
      Then the process is in the "stated" state

    Scenario: A result that is not judged within 14 days is accepted
      Given "Bob" runs the "promise" action
      And "Bob" runs the "state" action with:
        | result | It is green. |
      When P13D pass
      Then the process is in the "stated" state
      When P1D pass
      Then the process is completed

    Scenario: A result that was rejected and is not stated again within 14 days is none
      Given "Bob" runs the "promise" action
      And "Bob" runs the "state" action with:
        | result | It is green. |
      And "Ann" runs the "reject" action with:
        | reason | Not green enough. |
      When P13D pass
      Then the process is in the "rejected" state
      When P1D pass
      Then the process has failed

    Scenario: A request is taken back if the executor is silent for 14 days
      Given "Bob" runs the "promise" action
      And "Ann" runs the "revoke_request" action
      When P13D pass
      Then the process is in the "request_revoked" state
      When P1D pass
      Then the process is cancelled

    Scenario: A promise is taken back if the initiator is silent for 14 days
      Given "Bob" runs the "promise" action
      And "Bob" runs the "revoke_promise" action
      When P13D pass
      Then the process is in the "promise_revoked" state
      When P1D pass
      Then the process is in the "requested" state
