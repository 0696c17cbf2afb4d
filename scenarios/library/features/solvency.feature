Feature: Proof of solvency
  A tenant shows that the income is high enough, and neither the income nor its class.

  # survives: form-dropped $.actions.answer.responses.shown.schema: Only what has this form shows anything, and the asset takes nothing beside it.
  # survives: patch-flipped $.actions.inquire.responses.ok.update[0].patch: There is one inquiry, and nothing before it to add to.
  # survives: patch-flipped $.actions.certify.responses.ok.update.patch: There is one certificate, and nothing before it to add to.
  # survives: patch-flipped $.actions.decline.responses.ok.update.patch: There is one refusal, and nothing before it to add to.
  # survives: patch-flipped $.actions.announce.responses.ok.update.patch: It is the first message of the proof, and nothing stands there before.

  Background:
    Given a chain is created by "Lena"
    And "Lena" creates the "main" process using the "solvency" scenario
    And "Lena" is the "landlord" actor
    And "Tim" is the "tenant" actor
    And "Bank" is the "bank" actor

  Rule: Nothing is asked for yet

    Scenario: The landlord asks for a class that is enough
      Then the possible actions are:
        | inquire  | landlord         |
        | withdraw | landlord, tenant |
      And "Lena" cannot run the "inquire" action with:
        | home     | Canal Street 12 |
        | rent     | 1150            |
        | currency | EUR             |
        | least    | 11              |
      When "Lena" runs the "inquire" action with:
        | home     | Canal Street 12 |
        | rent     | 1150            |
        | currency | EUR             |
        | least    | 4               |
      Then the process is in the "asked" state
      And the process has asset "inquiry" with:
        | rent   | 1150                   |
        | values | [4, 5, 6, 7, 8, 9, 10] |

    Scenario Outline: <who> withdraws
      When "<who>" runs the "withdraw" action
      Then the process is cancelled

      Examples:
        | who  |
        | Tim  |
        | Lena |

  Rule: The bank is asked

    Background:
      Given "Lena" runs the "inquire" action with:
        | home     | Canal Street 12 |
        | rent     | 1150            |
        | currency | EUR             |
        | least    | 4               |

    Scenario: The bank vouches for a sealed class
      Then the possible actions are:
        | certify  | bank             |
        | decline  | bank             |
        | withdraw | tenant, landlord |
      And "Bank" cannot run the "certify" action with:
        | commitment | d61158519e680bdb105e45c167b4827fed4818c997164b2cde3e61a943b0d473 |
      When "Bank" runs the "certify" action with:
        | commitment | d61158519e680bdb105e45c167b4827fed4818c997164b2cde3e61a943b0d473 |
        | as_of      | 2026-01-31                                                       |
      Then the process is in the "certified" state
      And the process has asset "certificate" with:
        | as_of | 2026-01-31 |

    Scenario: The bank declines, and says why
      Then "Bank" cannot run the "decline" action with:
        | reason |  |
      When "Bank" runs the "decline" action with:
        | reason | No customer of ours. |
      Then the process has failed
      And the process has asset "refusal" with:
        | reason | No customer of ours. |

    Scenario: A bank that is silent for two weeks does not vouch
      When 13 days pass
      Then the process is in the "asked" state
      When 1 day passes
      Then the process is cancelled

    Scenario Outline: <who> withdraws
      When "<who>" runs the "withdraw" action
      Then the process is cancelled

      Examples:
        | who  |
        | Tim  |
        | Lena |

  Rule: The bank has vouched

    Background:
      Given "Lena" runs the "inquire" action with:
        | home     | Canal Street 12 |
        | rent     | 1150            |
        | currency | EUR             |
        | least    | 4               |
      And "Bank" runs the "certify" action with:
        | commitment | d61158519e680bdb105e45c167b4827fed4818c997164b2cde3e61a943b0d473 |
        | as_of      | 2026-01-31                                                       |

    Scenario: The tenant begins the proof
      Then the possible actions are:
        | announce | tenant           |
        | withdraw | tenant, landlord |
      And "Tim" cannot run the "announce" action with:
        | announcement | abcd |
      When "Tim" runs the "announce" action with:
        | announcement | 4e224ff42019b5b427e04b248412a339f043aed23dd63b9335b1d80b73218dcdc8cd531bb66d001eee9caf686fa513b79622b36079501c5d0c0ef6845fc9c6d49522abe629516df2e332a35bef431ff85d02c2bcf99121e2ef6e457c857be0a0c1585078a79e84d3d870e54738b6ca5294f3b91d77bd5b290956905e1294a3c264bc7361ba51fce0c9ade7d4d85a39ae0290a8df549594c9b487d886896640154ade9c397e239fe5b01913e2800123301e6ae07fff68a367f1804f3713df80bd4f8311f445068d3ba0b5c8df357444c58de177fdd64d2ecd21db474cfcd3b3b3 |
      Then the process is in the "announced" state

    Scenario: A tenant who does not begin within two weeks shows nothing
      When 13 days pass
      Then the process is in the "certified" state
      When 1 day passes
      Then the process is cancelled

    Scenario Outline: <who> withdraws
      When "<who>" runs the "withdraw" action
      Then the process is cancelled

      Examples:
        | who  |
        | Tim  |
        | Lena |

  Rule: The tenant has announced the proof

    Background:
      Given "Lena" runs the "inquire" action with:
        | home     | Canal Street 12 |
        | rent     | 1150            |
        | currency | EUR             |
        | least    | 4               |
      And "Bank" runs the "certify" action with:
        | commitment | d61158519e680bdb105e45c167b4827fed4818c997164b2cde3e61a943b0d473 |
        | as_of      | 2026-01-31                                                       |
      And "Tim" runs the "announce" action with:
        | announcement | 4e224ff42019b5b427e04b248412a339f043aed23dd63b9335b1d80b73218dcdc8cd531bb66d001eee9caf686fa513b79622b36079501c5d0c0ef6845fc9c6d49522abe629516df2e332a35bef431ff85d02c2bcf99121e2ef6e457c857be0a0c1585078a79e84d3d870e54738b6ca5294f3b91d77bd5b290956905e1294a3c264bc7361ba51fce0c9ade7d4d85a39ae0290a8df549594c9b487d886896640154ade9c397e239fe5b01913e2800123301e6ae07fff68a367f1804f3713df80bd4f8311f445068d3ba0b5c8df357444c58de177fdd64d2ecd21db474cfcd3b3b3 |

    Scenario: The landlord draws a challenge
      Then the possible actions are:
        | challenge | landlord         |
        | withdraw  | tenant, landlord |
      And "Lena" cannot run the "challenge" action with:
        | challenge | 2dd0 |
      When "Lena" runs the "challenge" action with:
        | challenge | 2dd00bd77e0222ced882665481a9c1d9 |
      Then the process is in the "challenged" state
      And the process has asset "proof" with:
        | challenge    | 2dd00bd77e0222ced882665481a9c1d9 |
        | announcement | 4e224ff42019b5b427e04b248412a339f043aed23dd63b9335b1d80b73218dcdc8cd531bb66d001eee9caf686fa513b79622b36079501c5d0c0ef6845fc9c6d49522abe629516df2e332a35bef431ff85d02c2bcf99121e2ef6e457c857be0a0c1585078a79e84d3d870e54738b6ca5294f3b91d77bd5b290956905e1294a3c264bc7361ba51fce0c9ade7d4d85a39ae0290a8df549594c9b487d886896640154ade9c397e239fe5b01913e2800123301e6ae07fff68a367f1804f3713df80bd4f8311f445068d3ba0b5c8df357444c58de177fdd64d2ecd21db474cfcd3b3b3 |

    Scenario: A landlord who draws none within two weeks ends it
      When 13 days pass
      Then the process is in the "announced" state
      When 1 day passes
      Then the process is cancelled

    Scenario Outline: <who> withdraws
      When "<who>" runs the "withdraw" action
      Then the process is cancelled

      Examples:
        | who  |
        | Tim  |
        | Lena |

  Rule: The tenant is challenged

    Background:
      Given "Lena" runs the "inquire" action with:
        | home     | Canal Street 12 |
        | rent     | 1150            |
        | currency | EUR             |
        | least    | 4               |
      And "Bank" runs the "certify" action with:
        | commitment | d61158519e680bdb105e45c167b4827fed4818c997164b2cde3e61a943b0d473 |
        | as_of      | 2026-01-31                                                       |
      And "Tim" runs the "announce" action with:
        | announcement | 4e224ff42019b5b427e04b248412a339f043aed23dd63b9335b1d80b73218dcdc8cd531bb66d001eee9caf686fa513b79622b36079501c5d0c0ef6845fc9c6d49522abe629516df2e332a35bef431ff85d02c2bcf99121e2ef6e457c857be0a0c1585078a79e84d3d870e54738b6ca5294f3b91d77bd5b290956905e1294a3c264bc7361ba51fce0c9ade7d4d85a39ae0290a8df549594c9b487d886896640154ade9c397e239fe5b01913e2800123301e6ae07fff68a367f1804f3713df80bd4f8311f445068d3ba0b5c8df357444c58de177fdd64d2ecd21db474cfcd3b3b3 |
      And "Lena" runs the "challenge" action with:
        | challenge | 2dd00bd77e0222ced882665481a9c1d9 |

    Scenario: The answer shows that the class is enough
      Then the possible actions are:
        | answer   | tenant           |
        | withdraw | tenant, landlord |
      When "Tim" runs the "answer" action with:
        | answer | b504b44f54a52f16608db44e5607c877e819a36063f3df61f0c53367ad72aa0c53f6f0bd36124b79913b21fff3243d51ec62b3d57cf8d76e559b52be285a750029a6c147dea43aeff37f8df091cc7efdecdf36c85847d28ca05632de51e81200564a3d69a6cba930c9d94c730dc3bfa98ecab93581dbb0f63b6690bf306fb808c4955106843cfdff94d4e27c7120dcbf334348221c106bfb85ca9bc79228ac07bc443b367d01d222ce28b0d67c3a327421d0eb4d5e1c71dfba54a93ce595440a81aaf64c24eb66aa0d0df2363a2e48aa63a6c7fb3e1309caef556897962e2202ec2c06160b8421d7c4ddccd5a24e6ebe301a9d3eae4d21d69e49d30eb2267a3a5206a3f68a631adf9428d6818aad6ff9d4ced27a0838ff295128fb19014608a23a764919eefaaf2ae78a78e869755e764533ee696cfd918359f481bc20b553a8 |
      Then the process is completed
      And the process has asset "proof" with:
        | challenge | 2dd00bd77e0222ced882665481a9c1d9 |
        | answer    | b504b44f54a52f16608db44e5607c877e819a36063f3df61f0c53367ad72aa0c53f6f0bd36124b79913b21fff3243d51ec62b3d57cf8d76e559b52be285a750029a6c147dea43aeff37f8df091cc7efdecdf36c85847d28ca05632de51e81200564a3d69a6cba930c9d94c730dc3bfa98ecab93581dbb0f63b6690bf306fb808c4955106843cfdff94d4e27c7120dcbf334348221c106bfb85ca9bc79228ac07bc443b367d01d222ce28b0d67c3a327421d0eb4d5e1c71dfba54a93ce595440a81aaf64c24eb66aa0d0df2363a2e48aa63a6c7fb3e1309caef556897962e2202ec2c06160b8421d7c4ddccd5a24e6ebe301a9d3eae4d21d69e49d30eb2267a3a5206a3f68a631adf9428d6818aad6ff9d4ced27a0838ff295128fb19014608a23a764919eefaaf2ae78a78e869755e764533ee696cfd918359f481bc20b553a8 |

    Scenario: An answer to another challenge shows nothing, whatever the tenant calls it
      When "Tim" runs the "answer" action giving a "shown" response with:
        | answer | b504b44f54a52f16608db44e5607c877e819a36063f3df61f0c53367ad72aa0c53f6f0bd36124b79913b21fff3243d51ec62b3d57cf8d76e559b52be285a750020cd2d396608bac319170f3b4c55e7a6a46e9a3f5b67df4518d09b84e639af0e564a3d69a6cba930c9d94c730dc3bfa98ecab93581dbb0f63b6690bf306fb808c4955106843cfdff94d4e27c7120dcbf334348221c106bfb85ca9bc79228ac07bc443b367d01d222ce28b0d67c3a327421d0eb4d5e1c71dfba54a93ce595440a81aaf64c24eb66aa0d0df2363a2e48aa63a6c7fb3e1309caef556897962e2202ec2c06160b8421d7c4ddccd5a24e6ebe301a9d3eae4d21d69e49d30eb2267a3a7fd6a821f46138114caab0d50b04ae20d4ced27a0838ff295128fb19014608a23a764919eefaaf2ae78a78e869755e764533ee696cfd918359f481bc20b553a8 |
      Then the process has failed
      And the process has asset "proof" with:
        | challenge | 2dd00bd77e0222ced882665481a9c1d9 |
        | answer    | b504b44f54a52f16608db44e5607c877e819a36063f3df61f0c53367ad72aa0c53f6f0bd36124b79913b21fff3243d51ec62b3d57cf8d76e559b52be285a750020cd2d396608bac319170f3b4c55e7a6a46e9a3f5b67df4518d09b84e639af0e564a3d69a6cba930c9d94c730dc3bfa98ecab93581dbb0f63b6690bf306fb808c4955106843cfdff94d4e27c7120dcbf334348221c106bfb85ca9bc79228ac07bc443b367d01d222ce28b0d67c3a327421d0eb4d5e1c71dfba54a93ce595440a81aaf64c24eb66aa0d0df2363a2e48aa63a6c7fb3e1309caef556897962e2202ec2c06160b8421d7c4ddccd5a24e6ebe301a9d3eae4d21d69e49d30eb2267a3a7fd6a821f46138114caab0d50b04ae20d4ced27a0838ff295128fb19014608a23a764919eefaaf2ae78a78e869755e764533ee696cfd918359f481bc20b553a8 |

    Scenario: An answer is made of whole numbers
      Then "Tim" cannot run the "answer" action with:
        | answer | b504 |

    Scenario: A tenant who does not answer within two weeks shows nothing
      When 13 days pass
      Then the process is in the "challenged" state
      When 1 day passes
      Then the process is cancelled

    Scenario Outline: <who> withdraws
      When "<who>" runs the "withdraw" action
      Then the process is cancelled

      Examples:
        | who  |
        | Tim  |
        | Lena |
