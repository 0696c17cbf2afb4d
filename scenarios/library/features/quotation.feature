Feature: Quotation
  A buyer asks for an offer, both negotiate, both sign, and an inspector judges what was delivered.

  # survives: patch-flipped $.actions.request.responses.ok.update.patch: There is one request, and nothing before it to add to.
  # survives: patch-flipped $.actions.accept.responses.ok.update.patch: There is one contract, and nothing before it to add to.
  # survives: patch-flipped $.actions.accept_counter_offer.responses.ok.update.patch: There is one contract, and nothing before it to add to.
  # survives: patch-flipped $.actions.write.responses.error.update.patch: Where writing fails, nothing was written before.
  # survives: patch-flipped $.actions.notify_again.responses.ok.update.patch: There is nothing but the count to keep.
  # survives: patch-flipped $.actions.appoint_inspector.responses.ok.update[0].patch: An identity is a text, which is replaced either way.
  # survives: patch-flipped $.actions.approve.responses.ok.update.patch: There is one judgement, and nothing before it to add to.
  # survives: patch-flipped $.actions.disapprove.responses.ok.update[0].patch: There is one judgement, and nothing before it to add to.
  # survives: projection-dropped $.actions.appoint_inspector.responses.ok.update[1].projection: The data holds nothing but the identity, which is written before, and the name.

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "quotation" scenario
    And "Ann" is the "buyer" actor of the "main" process with:
      | name | Ann's Restaurant |
    And "Bob" is the "seller" actor of the "main" process with:
      | name | Bob's Chairs |

  Rule: The negotiation

    Scenario: A request, an offer, and what everybody may do
      Then the possible actions are:
        | request  | buyer |
        | withdraw | buyer, seller |
      When "Ann" runs the "request" action with:
        | item     | Oak chair     |
        | quantity | 12            |
        | remarks  | For a terrace |
      Then the process is in the "requested" state
      And the process has asset "request" with:
        | item     | Oak chair     |
        | quantity | 12            |
        | remarks  | For a terrace |
      And "The buyer asked for an offer" is in the history
      And the possible actions are:
        | offer    | seller        |
        | decline  | seller        |
        | withdraw | buyer, seller |
      When "Bob" runs the "offer" action giving an "ok" response with:
        | item       | Oak chair      |
        | quantity   | 12             |
        | unit_price | 89.95          |
        | currency   | EUR            |
        | delivery   | 2026-12-01     |
        | remarks    | Free delivery. |
      Then the process is in the "offered" state
      And the possible actions are:
        | accept        | buyer         |
        | counter_offer | buyer         |
        | reject        | buyer         |
        | withdraw      | buyer, seller |

    Scenario: Offer, counter-offer without the remarks, new offer without the remarks
      When "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      And "Bob" runs the "offer" action with:
        | item       | Oak chair      |
        | quantity   | 12             |
        | unit_price | 89.95          |
        | currency   | EUR            |
        | delivery   | 2026-12-01     |
        | remarks    | Free delivery. |
      And "Ann" runs the "counter_offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 79.5       |
        | currency   | EUR        |
        | delivery   | 2026-12-15 |
      Then the process is in the "countered" state
      And the process has asset "offer" with:
        | unit_price | 79.5       |
        | delivery   | 2026-12-15 |
        | remarks    | null       |
      And the possible actions are:
        | offer                | seller        |
        | accept_counter_offer | seller        |
        | decline              | seller        |
        | withdraw             | buyer, seller |
      When "Bob" runs the "offer" action with:
        | item       | Oak chair      |
        | quantity   | 12             |
        | unit_price | 84.25          |
        | currency   | EUR            |
        | delivery   | 2026-12-15     |
        | remarks    | Final.         |
      And "Ann" runs the "counter_offer" action with:
        | item       | Oak chair    |
        | quantity   | 12           |
        | unit_price | 80           |
        | currency   | EUR          |
        | delivery   | 2026-12-15   |
        | remarks    | So is this.  |
      And "Bob" runs the "offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 82         |
        | currency   | EUR        |
        | delivery   | 2026-12-15 |
      Then the process is in the "offered" state
      And the process has asset "offer" with:
        | unit_price | 82   |
        | remarks    | null |

    Scenario Outline: A request that lacks something is refused
      Then "Ann" cannot run the "request" action with:
        | item     | <item>     |
        | quantity | <quantity> |

      Examples:
        | item      | quantity |
        |           | 12       |
        | Oak chair | 0        |
        | Oak chair | many     |

    Scenario: Terms that lack a price, or are in another currency, are refused
      Given "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      Then "Bob" cannot run the "offer" action with:
        | item     | Oak chair  |
        | quantity | 12         |
        | currency | EUR        |
        | delivery | 2026-12-01 |
      When "Bob" runs the "offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 90         |
        | currency   | EUR        |
        | delivery   | 2026-12-01 |
      Then "Ann" cannot run the "counter_offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 80         |
        | currency   | shells     |
        | delivery   | 2026-12-01 |
      And "Bob" cannot run the "accept" action

    Scenario: The buyer withdraws before asking
      When "Ann" runs the "withdraw" action
      Then the process is cancelled
      And "Buyer withdrew" is in the history
      And no action is possible

    Scenario Outline: <who> withdraws while an offer is wanted
      Given "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      When "<who>" runs the "withdraw" action
      Then the process is cancelled

      Examples:
        | who |
        | Ann |
        | Bob |

    Scenario: The seller declines
      Given "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      When "Bob" runs the "decline" action
      Then the process has failed

    Scenario: The seller makes no offer within 30 days
      Given "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      When P29D pass
      Then the process is in the "requested" state
      When P1D pass
      Then the process is cancelled

  Rule: An offer is on the table

    Background:
      Given "Ann" runs the "request" action with:
        | item       | Oak chair                        |
        | quantity   | 12                               |
        | notify_url | https://restaurant.example/sales |
      And "Bob" runs the "offer" action with:
        | item       | Oak chair      |
        | quantity   | 12             |
        | unit_price | 84.25          |
        | currency   | EUR            |
        | delivery   | 2026-12-01     |
        | remarks    | Free delivery. |

    Scenario: The buyer rejects
      When "Ann" runs the "reject" action
      Then the process has failed

    Scenario: The seller withdraws
      When "Bob" runs the "withdraw" action
      Then the process is cancelled

    Scenario: The offer lapses after 30 days
      When P29D pass
      Then the process is in the "offered" state
      When P1D pass
      Then the process is cancelled

    Scenario: The seller accepts the counter-offer
      Given "Ann" runs the "counter_offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 80         |
        | currency   | EUR        |
        | delivery   | 2026-12-15 |
      When "Bob" runs the "accept_counter_offer" action
      Then the process is in the "writing" state
      And the process has asset "contract" with:
        | total    | 960 |
        | currency | EUR |

    Scenario Outline: The counter-offer ends with <action>
      Given "Ann" runs the "counter_offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 80         |
        | currency   | EUR        |
        | delivery   | 2026-12-15 |
      When "Bob" runs the "<action>" action
      Then the process is in the "<state>" state

      Examples:
        | action   | state      |
        | decline  | :failed    |
        | withdraw | :cancelled |

    Scenario: The counter-offer lapses after 30 days
      Given "Ann" runs the "counter_offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 80         |
        | currency   | EUR        |
        | delivery   | 2026-12-15 |
      When P29D pass
      Then the process is in the "countered" state
      When P1D pass
      Then the process is cancelled

    Scenario: Acceptance, both signatures, notification, approval
      When "Ann" runs the "accept" action
      Then the process is in the "writing" state
      And the process has asset "contract" with:
        | total    | 1011 |
        | currency | EUR  |
      When the node of "Bob" runs the "write" action
      Then the process is in the "signing" state
      And the process has asset "document" with:
        | $schema    | urn:livecontract:document:1             |
        | media_type | application/vnd.oasis.opendocument.text |
      And the possible actions are:
        | sign   | buyer, seller |
        | refuse | buyer, seller |
      When "Bob" runs the "sign" action
      Then the process is in the "signing" state
      And the "seller" actor has:
        | signed | true         |
        | name   | Bob's Chairs |
      And the possible actions are:
        | sign   | buyer |
        | refuse | buyer |
      And "Bob" cannot run the "sign" action
      When "Ann" runs the "sign" action
      Then the process is in the "notifying" state
      And a "POST" request has been sent to "https://restaurant.example/sales" with:
        | process  | main                           |
        | total    | ${main.assets.contract.total}  |
        | currency | EUR                            |
        | document | ${main.assets.document.hash}   |
      When that request received a "200" response with:
        | received | true |
      Then the process is in the "appointing" state
      And the process has:
        | previous.6.data.received | true |
      And the possible actions are:
        | appoint_inspector | buyer |
      And "Ann" cannot run the "appoint_inspector" action with:
        | name | Ines |
      When "Ann" runs the "appoint_inspector" action with:
        | identity | Ines           |
        | name     | Ines Inspector |
      Then the process is in the "inspecting" state
      And "Ines" is the "inspector" actor with:
        | name | Ines Inspector |
      And the possible actions are:
        | approve    | inspector |
        | disapprove | inspector |
      When "Ines" runs the "approve" action
      Then the process is completed
      And the process has asset "inspection" with:
        | approved | true |

    Scenario: The notification fails, and again, and the buyer goes on
      Given "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      And "Ann" runs the "sign" action
      And "Bob" runs the "sign" action
      When a "POST" request to "https://restaurant.example/sales" received a "500" response
      Then the process is in the "not_notified" state
      And the possible actions are:
        | notify_again | buyer |
        | go_on        | buyer |
      When "Ann" runs the "notify_again" action
      Then the process is in the "notifying" state
      And a "POST" request has been sent to "https://restaurant.example/sales"
      When that request fails
      And "Ann" runs the "go_on" action
      Then the process is in the "appointing" state

    Scenario: The buyer has it tried again three times, and then goes on
      Given "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      And "Ann" runs the "sign" action
      And "Bob" runs the "sign" action
      And "Ann" runs the "notify" action giving an "error" response
      And "Ann" runs the "notify_again" action
      And "Ann" runs the "notify" action giving an "error" response
      And "Ann" runs the "notify_again" action
      And "Ann" runs the "notify" action giving an "error" response
      When "Ann" runs the "notify_again" action
      And "Ann" runs the "notify" action giving an "error" response
      Then "Ann" cannot run the "notify_again" action
      And the possible actions are:
        | go_on | buyer |
      When P6D pass
      Then the process is in the "not_notified" state
      When P1D pass
      Then the process is in the "appointing" state

    Scenario: The buyer's node does not notify within a day
      Given "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      And "Ann" runs the "sign" action
      And "Bob" runs the "sign" action
      When PT23H pass
      Then the process is in the "notifying" state
      When PT1H pass
      Then the process is in the "not_notified" state

    Scenario: No node writes the contract within three days
      Given "Ann" runs the "accept" action
      And the node of "Bob" is down
      When P2D pass
      Then the process is in the "writing" state
      When P1D pass
      And PT1H passes
      Then the process is cancelled

    Scenario: Only one has signed after 30 days
      Given "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      And "Bob" runs the "sign" action
      When P29D pass
      Then the process is in the "signing" state
      When P1D pass
      Then the process is cancelled

    Scenario Outline: <who> refuses to sign
      Given "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      When "<who>" runs the "refuse" action
      Then the process has failed
      And "<title> refused to sign" is in the history

      Examples:
        | who | title  |
        | Ann | Buyer  |
        | Bob | Seller |

    Scenario: Who has signed does not refuse any more
      Given "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      When "Ann" runs the "sign" action
      Then "Ann" cannot run the "refuse" action
      And "Bob" may run the "refuse" action

  Rule: Nobody is to be notified

    Scenario: Both sign, and the inspector rejects what was delivered
      Given "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      And "Bob" runs the "offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 89.95      |
        | currency   | EUR        |
        | delivery   | 2026-12-01 |
      And "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      And "Ann" runs the "sign" action
      When "Bob" runs the "sign" action
      Then the process is in the "appointing" state
      When "Ann" runs the "appoint_inspector" action with:
        | identity | Ines |
      Then "Ines" is the "inspector" actor
      And the "inspector" actor has:
        | name | null |
      And "Ines" cannot run the "disapprove" action with:
        | findings |  |
      When "Ines" runs the "disapprove" action with:
        | findings | Two chairs wobble. |
      Then the process has failed
      And the process has asset "inspection" with:
        | approved | false              |
        | findings | Two chairs wobble. |

    Scenario: The buyer appoints nobody within 90 days
      Given "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      And "Bob" runs the "offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 89.95      |
        | currency   | EUR        |
        | delivery   | 2026-12-01 |
      And "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      And "Ann" runs the "sign" action
      And "Bob" runs the "sign" action
      When P89D pass
      Then the process is in the "appointing" state
      When P1D pass
      Then the process is completed

    Scenario: The inspector is silent for 180 days
      Given "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      And "Bob" runs the "offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 89.95      |
        | currency   | EUR        |
        | delivery   | 2026-12-01 |
      And "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      And "Ann" runs the "sign" action
      And "Bob" runs the "sign" action
      And "Ann" runs the "appoint_inspector" action with:
        | identity | Ines |
      When P179D pass
      Then the process is in the "inspecting" state
      When P1D pass
      Then the process is completed
      And the process has asset "inspection" with:
        | approved | null |

  Rule: The accepted terms hold a character that no document can hold

    Background:
      Given "Ann" runs the "request" action with:
        | item     | Oak chair |
        | quantity | 12        |
      And "Bob" runs the "offer" action with:
        | item       | Oak chair                           |
        | quantity   | 12                                  |
        | unit_price | 89.95                               |
        | currency   | EUR                                 |
        | delivery   | 2026-12-01                          |
        | remarks    | "Delivered.\u000bUnloaded by Ann." |
      And "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action

    Scenario: The seller is told, and corrects the offer
      Then the process is in the "unwritten" state
      And the process has asset "document" with:
        | problem | The value of "assets.offer.remarks" holds characters that no document can hold. |
        | message | null                                                                            |
      And the possible actions are:
        | offer    | seller        |
        | decline  | seller        |
        | withdraw | buyer, seller |
      When "Bob" runs the "offer" action with:
        | item       | Oak chair  |
        | quantity   | 12         |
        | unit_price | 89.95      |
        | currency   | EUR        |
        | delivery   | 2026-12-01 |
      Then the process is in the "offered" state
      When "Ann" runs the "accept" action
      And the node of "Bob" runs the "write" action
      Then the process is in the "signing" state
      And the process has asset "document" with:
        | problem | null |

    Scenario Outline: It ends with <action> by <who>
      When "<who>" runs the "<action>" action
      Then the process is in the "<state>" state

      Examples:
        | who | action   | state      |
        | Bob | decline  | :failed    |
        | Ann | withdraw | :cancelled |

    Scenario: Nobody corrects it within 14 days
      When P13D pass
      Then the process is in the "unwritten" state
      When P1D pass
      Then the process is cancelled
