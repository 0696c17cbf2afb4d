Feature: Purchase with inspection and dispute
  Goods are ordered, sent, inspected and paid for; an inspector decides what the parties disagree about.

  # survives: patch-flipped $.actions.offer.responses.ok.update.patch: Each has the same members, and writes them all.
  # survives: patch-flipped $.actions.order.responses.ok.update.patch: It is ordered once, and nothing stands there before.
  # survives: patch-flipped $.actions.offer_reduction.responses.ok.update.patch: A lower price is offered once, and nothing stands there before.
  # survives: patch-flipped $.actions.take_reduction.responses.ok.update.patch: What is due is all that stands there then, and is replaced either way.
  # survives: patch-flipped $.actions.decide.responses.ok.update[1].patch: What is due is all that stands there then, and is replaced either way.
  # survives: patch-flipped $.actions.write.responses.error.update.patch: Only a problem can stand there before, and it is replaced either way.

  Background:
    Given a chain is created by "Sara"
    And "Sara" creates the "main" process using the "purchase" scenario
    And "Sara" is the "seller" actor
    And "Bob" is the "buyer" actor
    And "Ines" is the "inspector" actor

  Rule: The order

    Scenario: Nothing is offered after all
      Then the possible actions are:
        | offer    | seller |
        | withdraw | seller |
      When "Sara" runs the "withdraw" action
      Then the process is cancelled

    Scenario: An offer has a price, and times in days
      Then "Sara" cannot run the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 0               |
        | inspect  | 5               |
        | law      | the Netherlands |

    Scenario: The buyer orders
      Given "Sara" runs the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 10              |
        | inspect  | 5               |
        | law      | the Netherlands |
      And "Sara" runs the "write" action
      Then the process is in the "offered" state
      And the process has asset "order" with:
        | price | 333.33 |
      And the possible actions are:
        | order    | buyer  |
        | decline  | buyer  |
        | withdraw | seller |
      When "Bob" runs the "order" action
      Then the process is in the "ordered" state
      And the process has asset "payment" with:
        | due | 333.33 |
      And the process has asset "contract"
      And the possible actions are:
        | send | seller |

    Scenario: The buyer declines
      Given "Sara" runs the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 10              |
        | inspect  | 5               |
        | law      | the Netherlands |
      And "Sara" runs the "write" action
      When "Bob" runs the "decline" action
      Then the process is cancelled

    Scenario: The seller withdraws the offer
      Given "Sara" runs the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 10              |
        | inspect  | 5               |
        | law      | the Netherlands |
      And "Sara" runs the "write" action
      When "Sara" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The offer lapses after two weeks
      Given "Sara" runs the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 10              |
        | inspect  | 5               |
        | law      | the Netherlands |
      And "Sara" runs the "write" action
      When 13 days pass
      Then the process is in the "offered" state
      When 1 day passes
      Then the process is cancelled

  Rule: The goods are to be sent

    Background:
      Given "Sara" runs the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 10              |
        | inspect  | 5               |
        | law      | the Netherlands |
      And "Sara" runs the "write" action
      And "Bob" runs the "order" action

    Scenario: The seller sends within the days that were agreed
      Then "Sara" cannot run the "send" action with:
        | carrier |            |
        | sent    | 2026-02-01 |
      When "Sara" runs the "send" action with:
        | carrier   | Post       |
        | reference | P1         |
        | sent      | 2026-02-01 |
      Then the process is in the "sent" state
      And the process has asset "shipment" with:
        | carrier   | Post |
        | reference | P1   |
      And the possible actions are:
        | accept   | buyer |
        | complain | buyer |

    Scenario: After them the buyer may cancel
      When 9 days pass
      Then the process is in the "ordered" state
      When 1 day passes
      Then the process is in the "overdue" state
      And the possible actions are:
        | send   | seller |
        | cancel | buyer  |
      When "Bob" runs the "cancel" action
      Then the process is cancelled

    Scenario: The seller sends late
      Given 10 days pass
      When "Sara" runs the "send" action with:
        | carrier | Post       |
        | sent    | 2026-02-20 |
      Then the process is in the "sent" state

    Scenario: What is not sent two weeks later is cancelled
      Given 10 days pass
      When 13 days pass
      Then the process is in the "overdue" state
      When 1 day passes
      Then the process is cancelled

  Rule: The goods were sent

    Background:
      Given "Sara" runs the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 10              |
        | inspect  | 5               |
        | law      | the Netherlands |
      And "Sara" runs the "write" action
      And "Bob" runs the "order" action
      And "Sara" runs the "send" action with:
        | carrier   | Post       |
        | reference | P1         |
        | sent      | 2026-02-01 |

    Scenario: The buyer accepts and pays, and the seller confirms
      When "Bob" runs the "accept" action
      Then the process is in the "payable" state
      And the possible actions are:
        | pay | buyer |
      And "Bob" cannot run the "pay" action with:
        | paid      | 2026-02-09 |
        | reference |            |
      When "Bob" runs the "pay" action with:
        | paid      | 2026-02-09 |
        | reference | 26-1       |
      Then the process is in the "paid" state
      And the process has asset "payment" with:
        | due       | 333.33 |
        | reference | 26-1   |
      And the possible actions are:
        | confirm | seller |
        | deny    | seller |
      When "Sara" runs the "confirm" action
      Then the process is completed

    Scenario: Silence is acceptance
      When 4 days pass
      Then the process is in the "sent" state
      When 1 day passes
      Then the process is in the "payable" state

    Scenario: The buyer does not pay within two weeks
      Given "Bob" runs the "accept" action
      When 13 days pass
      Then the process is in the "payable" state
      When 1 day passes
      Then the process has failed

    Scenario: Silence about a payment confirms it
      Given "Bob" runs the "accept" action
      And "Bob" runs the "pay" action with:
        | paid      | 2026-02-09 |
        | reference | 26-1       |
      When 13 days pass
      Then the process is in the "paid" state
      When 1 day passes
      Then the process is completed

    Scenario: Nothing has come, and the buyer pays again
      Given "Bob" runs the "accept" action
      And "Bob" runs the "pay" action with:
        | paid      | 2026-02-09 |
        | reference | 26-1       |
      Then "Sara" cannot run the "deny" action with:
        | remark |  |
      When "Sara" runs the "deny" action with:
        | remark | Nothing on my account. |
      Then the process is in the "payable" state
      And the process has asset "payment" with:
        | remark | Nothing on my account. |
        | due    | 333.33                 |

  Rule: The buyer complains

    Background:
      Given "Sara" runs the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 10              |
        | inspect  | 5               |
        | law      | the Netherlands |
      And "Sara" runs the "write" action
      And "Bob" runs the "order" action
      And "Sara" runs the "send" action with:
        | carrier   | Post       |
        | reference | P1         |
        | sent      | 2026-02-01 |
      And "Bob" runs the "complain" action with:
        | kind        | defect            |
        | description | Two chairs wobble |

    Scenario: The seller sends again, and the goods are judged anew
      Then the process is in the "complained" state
      And the process has asset "complaint" with:
        | kind | defect |
      And the possible actions are:
        | send_again      | seller |
        | offer_reduction | seller |
        | contest         | seller |
      When "Sara" runs the "send_again" action
      Then the process is in the "ordered" state
      When "Sara" runs the "send" action with:
        | carrier | Courier    |
        | sent    | 2026-02-12 |
      Then the process has asset "shipment" with:
        | carrier   | Courier |
        | reference | null    |
      And "Bob" cannot run the "complain" action with:
        | kind        | defect |
        | description |        |
      When "Bob" runs the "complain" action with:
        | kind        | missing parts                                                    |
        | description | One leg                                                          |
        | evidence    | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
      And "Sara" runs the "send_again" action
      And "Sara" runs the "send" action with:
        | carrier | Courier    |
        | sent    | 2026-02-18 |
      And "Bob" runs the "complain" action with:
        | kind        | not arrived |
        | description | Nothing     |
      Then the process has asset "complaint" with:
        | kind     | not arrived |
        | evidence | null        |

    Scenario: The buyer takes a lower price
      Then "Sara" cannot run the "offer_reduction" action with:
        | percent | 0 |
      When "Sara" runs the "offer_reduction" action with:
        | percent | 10 |
      Then the process is in the "reduction_offered" state
      And the process has asset "reduction" with:
        | percent | 10 |
      And the possible actions are:
        | take_reduction   | buyer |
        | refuse_reduction | buyer |
      When "Bob" runs the "take_reduction" action
      Then the process is in the "payable" state
      And the process has asset "payment" with:
        | due | 300 |

    Scenario: The buyer refuses a lower price, and the inspector decides
      Given "Sara" runs the "offer_reduction" action with:
        | percent | 10              |
        | reason  | Only two wobble |
      When "Bob" runs the "refuse_reduction" action
      Then the process is in the "inspecting" state
      And the possible actions are:
        | decide | inspector |
      And "Ines" cannot run the "decide" action with:
        | percent  | 50 |
        | findings |    |
      When "Ines" runs the "decide" action with:
        | percent  | 50           |
        | findings | Half of them |
      Then the process is in the "payable" state
      And the process has asset "reduction" with:
        | percent  | 50           |
        | findings | Half of them |
        | reason   | null         |
      And the process has asset "payment" with:
        | due | 166.67 |

    Scenario: A lower price that is not answered for a week goes to the inspector
      Given "Sara" runs the "offer_reduction" action with:
        | percent | 10 |
      When 6 days pass
      Then the process is in the "reduction_offered" state
      When 1 day passes
      Then the process is in the "inspecting" state

    Scenario: The seller contests, and the inspector finds the goods worthless
      Then "Sara" cannot run the "contest" action with:
        | contested |  |
      When "Sara" runs the "contest" action with:
        | contested | They stood well here |
      Then the process is in the "inspecting" state
      And the process has asset "complaint" with:
        | contested | They stood well here |
        | kind      | defect               |
      When "Ines" runs the "decide" action with:
        | percent  | 100            |
        | findings | They all break |
      Then the process has failed

    Scenario: A seller who is silent for two weeks leaves it to the inspector
      When 13 days pass
      Then the process is in the "complained" state
      When 1 day passes
      Then the process is in the "inspecting" state

    Scenario: An inspector who is silent for 30 days ends it unpaid
      Given "Sara" runs the "contest" action with:
        | contested | They stood well here |
      When 29 days pass
      Then the process is in the "inspecting" state
      When 1 day passes
      Then the process has failed

  Rule: The document

    Background:
      Given "Sara" runs the "offer" action with:
        | goods    | "Oak\u000bchairs" |
        | quantity | 4                 |
        | price    | 333.33            |
        | currency | EUR               |
        | place    | Main Street 1     |
        | days     | 10                |
        | inspect  | 5                 |
        | law      | the Netherlands   |

    Scenario: What no document can hold is told, and corrected
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "unwritten" state
      And the process has asset "contract" with:
        | hash    | null |
        | message | null |
        | problem | The value of "assets.order.goods" holds characters that no document can hold. |
      When "Sara" runs the "offer" action with:
        | goods    | Oak chairs      |
        | quantity | 4               |
        | price    | 333.33          |
        | currency | EUR             |
        | place    | Main Street 1   |
        | days     | 10              |
        | inspect  | 5               |
        | law      | the Netherlands |
      Then the process is in the "writing" state
      When the nodes do what waits
      Then the process is in the "offered" state
      And the process has asset "contract" with:
        | problem | null |
      And the document "contract" says "Oak chairs"

    Scenario: A node that writes nothing lets it lapse after three days
      Given the node of "Sara" is down
      And 2 days pass
      Then the process is in the "writing" state
      When 1 day passes
      And 1 hour passes
      Then the process is cancelled

    Scenario: What cannot be written lapses after two weeks
      Given the nodes do what waits
      And 13 days pass
      Then the process is in the "unwritten" state
      When 1 day passes
      Then the process is cancelled

    Scenario: What cannot be written is withdrawn
      Given the nodes do what waits
      When "Sara" runs the "withdraw" action
      Then the process is cancelled
