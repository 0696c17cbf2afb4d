Feature: Request from another chain
  What is said on the other chain is not there in a test: steps say what the messenger's node brings.

  # survives: patch-flipped $.actions.connect.responses.ok.update.patch: Each has the same members, and it is said once.
  # survives: patch-flipped $.actions.hear.responses.ok.update.patch: There is one request, and nothing before it to add to.
  # survives: patch-flipped $.actions.bring.responses.ok.update.patch: There is one request, and nothing before it to add to.
  # survives: patch-flipped $.actions.answer.responses.ok.update.patch: There is one answer, and nothing before it to add to.
  # survives: patch-flipped $.actions.tell.responses.ok.update.patch: Each has the same members, and is written once.
  # survives: patch-flipped $.actions.acknowledge.responses.ok.update.patch: Each has the same members, and is written once.

  Background:
    Given a chain is created by "Mo"
    And "Mo" creates the "main" process using the "request-received" scenario
    And "Mo" is the "messenger" actor
    And "Rob" is the "responder" actor

  Scenario: Nothing is asked after all
    Then the possible actions are:
      | bring    | messenger |
      | connect  | messenger |
      | withdraw | messenger |
    When "Mo" runs the "withdraw" action
    Then the process is cancelled

  Scenario: Only the messenger brings something, with the event by which it was sent
    Then "Rob" cannot run the "bring" action
    And "Rob" cannot run the "connect" action
    And "Rob" cannot run the "withdraw" action
    And "Mo" cannot run the "bring" action with:
      | request | Is the certificate C-7 still valid?                             |
      | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
      | event   | first                                                           |
    And "Mo" cannot run the "connect" action with:
      | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
      | process | request-12                                                      |
      | signer  | Rita                                                            |

  Rule: The messenger brings it by hand

    Background:
      Given "Mo" runs the "bring" action with:
        | request | Is the certificate C-7 still valid?                             |
        | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event   | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |

    Scenario: It is answered, and the answer received there
      Then the process is in the "received" state
      And the process has asset "request" with:
        | request | Is the certificate C-7 still valid?                             |
        | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event   | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      And the possible actions are:
        | answer   | responder |
        | decline  | responder |
        | withdraw | messenger |
      And "Rob" cannot run the "answer" action with:
        | answer | "" |
      When "Rob" runs the "answer" action with:
        | answer | It is valid until 31 December 2026. |
      Then the process is in the "answered" state
      And the process has asset "answer" with:
        | answer | It is valid until 31 December 2026. |
      And the possible actions are:
        | acknowledge | messenger |
      And "Mo" cannot run the "acknowledge" action with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | second                                                          |
      When "Mo" runs the "acknowledge" action with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | 2yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      Then the process is completed
      And the process has asset "received" with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | 2yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |

    Scenario: It is declined
      When "Rob" runs the "decline" action
      Then the process has failed

    Scenario: It is withdrawn there
      When "Mo" runs the "withdraw" action
      Then the process is cancelled

    Scenario: Silence answers nothing
      When 20 days pass
      Then the process is in the "received" state
      When 1 day passes
      Then the process has failed

    Scenario: The answer is not received there within a week
      When "Rob" runs the "answer" action with:
        | answer | It is valid until 31 December 2026. |
      And 6 days pass
      Then the process is in the "answered" state
      When 1 day passes
      Then the process has failed

  Rule: The messenger's node carries it

    Background:
      Given "Mo" runs the "connect" action with:
        | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | process | request-12                                                      |
        | signer  | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |

    Scenario: It is known from where it comes, and it does not come
      Then the process is in the "connected" state
      And the process has asset "source" with:
        | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | process | request-12                                                      |
        | signer  | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      And the possible actions are:
        | bring    | messenger |
        | hear     | messenger |
        | withdraw | messenger |
      And "Mo" cannot run the "hear" action with:
        | request | "" |
      When 36 days pass
      Then the process is in the "connected" state
      When 1 day passes
      Then the process is cancelled

    Scenario: It is withdrawn
      When "Mo" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The messenger brings it by hand all the same
      When "Mo" runs the "bring" action with:
        | request | Is the certificate C-7 still valid?                             |
        | chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event   | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
      Then the process is in the "received" state

    Scenario: The node hears it, and tells the answer, trying again in an hour
      When "Mo" runs the "hear" action with:
        | request | Is the certificate C-7 still valid? |
      Then the process is in the "received" state
      And the process has:
        | assets.request.request | Is the certificate C-7 still valid?                             |
        | assets.request.chain   | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | assets.request.event   | ${main.previous.1.origin.event}                                 |
      When "Rob" runs the "answer" action with:
        | answer | It is valid until 31 December 2026. |
      Then the possible actions are:
        | acknowledge | messenger |
        | tell        | messenger |
      When "Mo" runs the "tell" action giving an "error" response with:
        | message | The other chain does not take this now. |
        | reason  | refused                                 |
      Then the process is in the "answered" state
      When 1 hour passes
      And "Mo" runs the "tell" action giving an "ok" response with:
        | chain  | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | events | ["3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH"]                |
      Then the process is completed
      And the process has asset "received" with:
        | chain | 8F8p8Yao9x1YCwEpUE3HREmMnXeFxuzLiwFNJtuxrgsGhRVRPYHYqBspHaqb1SL |
        | event | 3yZe7d5Yb1qEwnXvA9gqk1nJv5p4zq9bW8mC6tR2sKfH                    |
