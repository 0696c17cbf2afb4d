Feature: Request to another chain
  What is said on the other chain is not there in a test: steps say what the messenger's node brings.

  # survives: patch-flipped $.actions.connect.responses.ok.update.patch: Each has the same members, and it is said once.
  # survives: patch-flipped $.actions.send.responses.ok.update.patch: There is one request, and nothing before it to add to.
  # survives: patch-flipped $.actions.tell.responses.ok.update.patch: Each has the same members, and is written once.
  # survives: patch-flipped $.actions.acknowledge.responses.ok.update.patch: Each has the same members, and is written once.
  # survives: patch-flipped $.actions.hear.responses.ok.update.patch: There is one answer, and nothing before it to add to.
  # survives: patch-flipped $.actions.bring.responses.ok.update.patch: There is one answer, and nothing before it to add to.

  Background:
    Given a chain is created by "Rita"
    And "Rita" creates the "main" process using the "request-sent" scenario
    And "Rita" is the "requester" actor
    And "Mo" is the "messenger" actor

  Scenario: Nothing is asked after all
    Then the possible actions are:
      | send     | requester |
      | connect  | messenger |
      | withdraw | requester |
    When "Rita" runs the "withdraw" action
    Then the process is cancelled

  Scenario: A request says something
    Then "Rita" cannot run the "send" action with:
      | request | "" |
    And "Mo" cannot run the "send" action
    And "Mo" cannot run the "withdraw" action
    And "Rita" cannot run the "connect" action

  Scenario: The key of the responder is a key
    Then "Mo" cannot run the "connect" action with:
      | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
      | process | request-12                                                      |
      | signer  | Rob                                                             |

  Rule: The messenger brings it by hand

    Background:
      Given "Rita" runs the "send" action with:
        | request | Is the certificate C-7 still valid? |

    Scenario: It is sent, received there, and answered
      Then the process is in the "sent" state
      And the process has asset "request" with:
        | request | Is the certificate C-7 still valid? |
      And the possible actions are:
        | acknowledge | messenger |
        | withdraw    | requester |
      And "Mo" cannot run the "acknowledge" action with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | first                                                           |
      When "Mo" runs the "acknowledge" action with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      Then the process is in the "received" state
      And the process has asset "received" with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      And "Rita" cannot run the "withdraw" action
      And "Rita" cannot run the "bring" action
      And "Rita" cannot run the "give_up" action
      And "Mo" may run the "give_up" action
      And "Mo" cannot run the "bring" action with:
        | answer | It is valid until 31 December 2026.                             |
        | chain  | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event  | second                                                          |
      When "Mo" runs the "bring" action with:
        | answer | It is valid until 31 December 2026.                             |
        | chain  | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event  | 2yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      Then the process is completed
      And the process has asset "answer" with:
        | answer | It is valid until 31 December 2026.                             |
        | chain  | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event  | 2yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |

    Scenario: It is withdrawn before it was received
      When "Rita" runs the "withdraw" action
      Then the process is cancelled

    Scenario: It lapses after a week in which it was not received
      When 6 days pass
      Then the process is in the "sent" state
      When 1 day passes
      Then the process is cancelled

  Rule: It was received

    Background:
      Given "Rita" runs the "send" action with:
        | request | Is the certificate C-7 still valid? |
      And "Mo" runs the "acknowledge" action with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |

    Scenario: There is no answer
      When "Mo" runs the "give_up" action
      Then the process has failed

    Scenario: There is none after 30 days
      When 29 days pass
      Then the process is in the "received" state
      When 1 day passes
      Then the process has failed

  Rule: The messenger's node carries it

    Background:
      Given "Mo" runs the "connect" action with:
        | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | process | request-12                                                      |
        | signer  | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |

    Scenario: It is known where it goes, and it is not sent
      Then the process is in the "connected" state
      And the process has asset "there" with:
        | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | process | request-12                                                      |
        | signer  | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      And the possible actions are:
        | send     | requester |
        | withdraw | requester |
      When 29 days pass
      Then the process is in the "connected" state
      When 1 day passes
      Then the process is cancelled

    Scenario: It is withdrawn
      When "Rita" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The node tells it, tries again in an hour, and hears the answer
      When "Rita" runs the "send" action with:
        | request | Is the certificate C-7 still valid? |
      Then the possible actions are:
        | acknowledge | messenger |
        | tell        | messenger |
        | withdraw    | requester |
      When "Mo" runs the "tell" action giving an "error" response with:
        | message | The other chain does not take this now. |
        | reason  | refused                                 |
      Then the process is in the "sent" state
      And "Mo" cannot run the "tell" action giving an "ok" response
      When 1 hour passes
      And "Mo" runs the "tell" action giving an "ok" response with:
        | chain  | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | events | ["3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH"]                |
      Then the process is in the "received" state
      And the process has asset "received" with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      And the possible actions are:
        | bring   | messenger |
        | hear    | messenger |
        | give_up | messenger |
      And "Rita" cannot run the "hear" action
      And "Mo" cannot run the "hear" action with:
        | answer | "" |
      When "Mo" runs the "hear" action with:
        | answer | It is valid until 31 December 2026. |
      Then the process is completed
      And the process has:
        | assets.answer.answer | It is valid until 31 December 2026.                             |
        | assets.answer.chain  | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | assets.answer.event  | ${main.previous.4.origin.event}                                 |
