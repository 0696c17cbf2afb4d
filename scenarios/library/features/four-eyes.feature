Feature: Four-eyes approval
  One asks for a payment, another approves it, and above a limit a third one as well. Nobody approves what they asked for.

  # survives: patch-flipped $.actions.approve.responses.ok.update.patch: Each order starts without an approval, and each approval writes both members.

  Background:
    Given a chain is created by "Rita"
    And "Rita" creates the "main" process using the "four-eyes" scenario
    And "Rita" is the "requester" actor
    And "Paul" is the "approver" actor
    And "Dora" is the "deputy" actor
    And "Dirk" is the "director" actor

  Scenario: Nothing is asked for after all
    Then the possible actions are:
      | submit   | requester |
      | withdraw | requester |
    When "Rita" runs the "withdraw" action
    Then the process is cancelled

  Scenario: An order says who is paid, and what for
    Then "Rita" cannot run the "submit" action with:
      | payee  | Paper Mill |
      | amount | 100        |

  Rule: A payment up to the limit

    Background:
      Given "Rita" runs the "submit" action with:
        | payee    | Paper Mill |
        | account  | NL91       |
        | amount   | 10000      |
        | currency | EUR        |
        | purpose  | Paper      |

    Scenario: One approval is enough
      Then the process is in the "review" state
      And the process has asset "order" with:
        | payee  | Paper Mill |
        | amount | 10000      |
      And the possible actions are:
        | approve   | approver  |
        | send_back | approver  |
        | reject    | approver  |
        | withdraw  | requester |
      When "Paul" runs the "approve" action
      Then the process is completed
      And the process has asset "approval" with:
        | first | Paul     |
        | name  | Approver |

    Scenario: The approver rejects, and says why
      Then "Paul" cannot run the "reject" action with:
        | reason |  |
      When "Paul" runs the "reject" action with:
        | reason | We have paper. |
      Then the process has failed
      And the process has:
        | assets.remarks.0.by     | Approver       |
        | assets.remarks.0.reason | We have paper. |

    Scenario: The requester withdraws while the order is judged
      When "Rita" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The order is sent back, and asked for again with less
      Then "Paul" cannot run the "send_back" action with:
        | reason |  |
      When "Paul" runs the "send_back" action with:
        | reason | Which paper? |
      Then the process is in the "sent_back" state
      And the process has:
        | assets.remarks.0.by     | Approver     |
        | assets.remarks.0.reason | Which paper? |
      And the possible actions are:
        | submit   | requester |
        | withdraw | requester |
      When "Rita" runs the "submit" action with:
        | payee    | Paper Mill                                                       |
        | account  | NL91                                                             |
        | amount   | 900                                                              |
        | currency | EUR                                                              |
        | purpose  | White paper                                                      |
        | document | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
      Then the process is in the "review" state
      When "Paul" runs the "send_back" action with:
        | reason | Not with this invoice. |
      And "Rita" runs the "submit" action with:
        | payee    | Paper Mill  |
        | account  | NL91        |
        | amount   | 900         |
        | currency | EUR         |
        | purpose  | White paper |
      Then the process has asset "order" with:
        | amount   | 900  |
        | document | null |
      And the process has:
        | assets.remarks.1.reason | Not with this invoice. |

    Scenario: What was sent back is withdrawn
      Given "Paul" runs the "send_back" action with:
        | reason | Which paper? |
      When "Rita" runs the "withdraw" action
      Then the process is cancelled

    Scenario: What was sent back lapses after two weeks
      Given "Paul" runs the "send_back" action with:
        | reason | Which paper? |
      When 13 days pass
      Then the process is in the "sent_back" state
      When 1 day passes
      Then the process is cancelled

    Scenario: After three days without an answer the deputy may judge as well
      Then "Dora" cannot run the "approve" action
      When 2 days pass
      Then the process is in the "review" state
      When 1 day passes
      Then the process is in the "substitution" state
      And the possible actions are:
        | approve   | approver, deputy |
        | send_back | approver, deputy |
        | reject    | approver, deputy |
        | withdraw  | requester        |
      When "Dora" runs the "approve" action
      Then the process is completed
      And the process has asset "approval" with:
        | first | Dora   |
        | name  | Deputy |

    Scenario: The deputy rejects
      Given 3 days pass
      When "Dora" runs the "reject" action with:
        | reason | We have paper. |
      Then the process has failed
      And the process has:
        | assets.remarks.0.by | Deputy |

    Scenario: The deputy sends back
      Given 3 days pass
      When "Dora" runs the "send_back" action with:
        | reason | Which paper? |
      Then the process is in the "sent_back" state

    Scenario: The requester withdraws while the deputy may judge
      Given 3 days pass
      When "Rita" runs the "withdraw" action
      Then the process is cancelled

    Scenario: Silence is never an approval
      Given 3 days pass
      When 4 days pass
      Then the process is in the "substitution" state
      When 1 day passes
      Then the process is cancelled

  Rule: A payment above the limit

    Background:
      Given "Rita" runs the "submit" action with:
        | payee    | Paper Mill |
        | account  | NL91       |
        | amount   | 10000.01   |
        | currency | EUR        |
        | purpose  | Paper      |

    Scenario: The director approves as well
      When "Paul" runs the "approve" action
      Then the process is in the "second_approval" state
      And the possible actions are:
        | approve_second   | director  |
        | send_back_second | director  |
        | reject_second    | director  |
        | withdraw         | requester |
      When "Dirk" runs the "approve_second" action
      Then the process is completed

    Scenario: The director approves what the deputy approved
      Given 3 days pass
      When "Dora" runs the "approve" action
      Then the process is in the "second_approval" state

    Scenario: The director rejects
      Given "Paul" runs the "approve" action
      Then "Dirk" cannot run the "reject_second" action with:
        | reason |  |
      When "Dirk" runs the "reject_second" action with:
        | reason | Too much. |
      Then the process has failed
      And the process has:
        | assets.remarks.0.by     | Director  |
        | assets.remarks.0.reason | Too much. |

    Scenario: The director sends back, and the first approval counts no more
      Given "Paul" runs the "approve" action
      Then "Dirk" cannot run the "send_back_second" action with:
        | reason |  |
      When "Dirk" runs the "send_back_second" action with:
        | reason | In two parts. |
      Then the process is in the "sent_back" state
      And the process has:
        | assets.remarks.0.by     | Director      |
        | assets.remarks.0.reason | In two parts. |
      When "Rita" runs the "submit" action with:
        | payee    | Paper Mill |
        | account  | NL91       |
        | amount   | 5000       |
        | currency | EUR        |
        | purpose  | Paper      |
      Then the process has asset "approval" with:
        | first | null |
        | name  | null |

    Scenario: The requester withdraws before the director has judged
      Given "Paul" runs the "approve" action
      When "Rita" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The director's silence is no approval either
      Given "Paul" runs the "approve" action
      When 4 days pass
      Then the process is in the "second_approval" state
      When 1 day passes
      Then the process is cancelled

  Rule: One person plays two actors

    Scenario: The approver, deputy and director who asked for it themselves may not judge it
      Given "Rita" creates the "own" process using the "four-eyes" scenario
      And "Rita" is the "requester" actor of the "own" process
      And "Rita" is the "approver" actor of the "own" process
      And "Dora" is the "deputy" actor of the "own" process
      And "Rita" is the "director" actor of the "own" process
      When "Rita" runs the "submit" action of the "own" process with:
        | payee    | Paper Mill |
        | account  | NL91       |
        | amount   | 20000      |
        | currency | EUR        |
        | purpose  | Paper      |
      Then the possible actions of the "own" process are:
        | withdraw | requester |
      When 3 days pass
      Then the possible actions of the "own" process are:
        | approve   | deputy    |
        | send_back | deputy    |
        | reject    | deputy    |
        | withdraw  | requester |
      When "Dora" runs the "approve" action of the "own" process
      Then the possible actions of the "own" process are:
        | withdraw | requester |

    Scenario: Nobody approves twice
      Given "Rita" creates the "twice" process using the "four-eyes" scenario
      And "Rita" is the "requester" actor of the "twice" process
      And "Paul" is the "approver" actor of the "twice" process
      And "Paul" is the "director" actor of the "twice" process
      When "Rita" runs the "submit" action of the "twice" process with:
        | payee    | Paper Mill |
        | account  | NL91       |
        | amount   | 20000      |
        | currency | EUR        |
        | purpose  | Paper      |
      And "Paul" runs the "approve" action of the "twice" process
      Then the possible actions of the "twice" process are:
        | send_back_second | director  |
        | reject_second    | director  |
        | withdraw         | requester |
