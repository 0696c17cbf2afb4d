Feature: Transaction (DEMO)
  Request, promise, state, accept; with decline, reject and revoke.

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "demo-transaction" scenario
    And "Ann" is the "initiator" actor of the "main" process
    And "Bob" is the "executor" actor of the "main" process
    And "Ann" runs the "request" action with:
      | description | Paint the fence |
      | by          | 2026-06-01      |

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
      | by          | 2026-06-01      |
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
      | by | 2026-07-01 |
    When "Ann" runs the "request" action with:
      | description | Paint the fence some time |
    Then the process is in the "requested" state
    And the process has asset "product" with:
      | description | Paint the fence some time |
      | by          | null                      |
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
