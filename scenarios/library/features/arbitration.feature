Feature: Arbitration
  One arbitrator discloses, the respondent agrees, both state their case, and the award binds.

  # survives: patch-flipped $.actions.file.responses.ok.update.patch: There is one claim, and nothing before it to add to.
  # survives: patch-flipped $.actions.agree.responses.ok.update.patch: There is one agreement, and nothing before it to add to.
  # survives: patch-flipped $.actions.take_on.responses.ok.update.patch: The arbitrator discloses once, and nothing stands there before.
  # survives: patch-flipped $.actions.decline.responses.ok.update.patch: There is one reason, and nothing before it to add to.
  # survives: patch-flipped $.actions.offer_settlement.responses.ok.update[0].patch: Each offer has the same two members, and writes both.
  # survives: patch-flipped $.actions.award.responses.ok.update.patch: There is one award, and nothing before it to add to.

  Background:
    Given a chain is created by "Clara"
    And "Clara" creates the "main" process using the "arbitration" scenario
    And "Clara" is the "claimant" actor with:
      | name | Clara's Mill |
    And "Rob" is the "respondent" actor with:
      | name | Rob's Bakery |
    And "Ada" is the "arbitrator" actor with:
      | name | Ada Fair |

  Rule: Before anybody is bound

    Scenario: The claimant withdraws before filing
      Then the possible actions are:
        | file     | claimant |
        | withdraw | claimant |
      When "Clara" runs the "withdraw" action
      Then the process is cancelled
      And no action is possible

    Scenario: A claim says what is asked for, and under which law
      Then "Clara" cannot run the "file" action with:
        | parties | Clara's Mill and Rob's Bakery |
        | dispute | The flour was wet.            |

  Rule: A claim is filed

    Background:
      Given "Clara" runs the "file" action with:
        | parties  | Clara's Mill and Rob's Bakery   |
        | dispute  | Rob has not paid for the flour. |
        | relief   | Payment of 1200 EUR             |
        | amount   | 1200                            |
        | currency | EUR                             |
        | seat     | Utrecht                         |
        | law      | the Netherlands                 |
        | fee      | 300                             |

    Scenario: The arbitrator discloses first
      Then the process is in the "filed" state
      And the process has asset "claim" with:
        | amount | 1200 |
        | fee    | 300  |
      And the possible actions are:
        | take_on  | arbitrator |
        | decline  | arbitrator |
        | withdraw | claimant   |
      And "Ada" cannot run the "take_on" action with:
        | disclosure |  |
      When "Ada" runs the "take_on" action with:
        | disclosure | I bought bread there once. |
      Then the process is in the "proposed" state
      And the process has asset "disclosure" with:
        | disclosure | I bought bread there once. |

    Scenario: The arbitrator declines, and says why
      Then "Ada" cannot run the "decline" action with:
        """
        null
        """
      When "Ada" runs the "decline" action with:
        | reason | Rob is my cousin. |
      Then the process is cancelled
      And the process has asset "reason" with:
        | reason | Rob is my cousin. |

    Scenario: The claimant withdraws before the arbitrator has said anything
      When "Clara" runs the "withdraw" action
      Then the process is cancelled

    Scenario: An arbitrator who is silent for two weeks has declined
      When 13 days pass
      Then the process is in the "filed" state
      When 1 day passes
      Then the process is cancelled

  Rule: The respondent is asked to agree

    Background:
      Given "Clara" runs the "file" action with:
        | parties  | Clara's Mill and Rob's Bakery   |
        | dispute  | Rob has not paid for the flour. |
        | relief   | Payment of 1200 EUR             |
        | amount   | 1200                            |
        | currency | EUR                             |
        | seat     | Utrecht                         |
        | law      | the Netherlands                 |
        | fee      | 300                             |
      And "Ada" runs the "take_on" action with:
        | disclosure | None |

    Scenario: Without the respondent there is no arbitration
      Then the possible actions are:
        | agree    | respondent |
        | refuse   | respondent |
        | withdraw | claimant   |
      When "Rob" runs the "refuse" action
      Then the process has failed
      And the process has:
        | assets.agreement.text | null |

    Scenario: The claimant withdraws before the respondent has agreed
      When "Clara" runs the "withdraw" action
      Then the process is cancelled

    Scenario: Silence for 30 days is a refusal
      When 29 days pass
      Then the process is in the "proposed" state
      When 1 day passes
      Then the process has failed

  Rule: Both state their case

    Background:
      Given "Clara" runs the "file" action with:
        | parties  | Clara's Mill and Rob's Bakery   |
        | dispute  | Rob has not paid for the flour. |
        | relief   | Payment of 1200 EUR             |
        | amount   | 1200                            |
        | currency | EUR                             |
        | seat     | Utrecht                         |
        | law      | the Netherlands                 |
        | fee      | 300                             |
      And "Ada" runs the "take_on" action with:
        | disclosure | None |
      And "Rob" runs the "agree" action

    Scenario: The agreement is written down
      Then the process is in the "hearing" state
      And the process has asset "agreement"
      And the possible actions are:
        | submit           | claimant, respondent |
        | rest             | claimant, respondent |
        | offer_settlement | claimant, respondent |

    Scenario: Statements are kept with who made them, and open the case again for both
      Then "Clara" cannot run the "submit" action with:
        | text |  |
      When "Clara" runs the "rest" action
      And "Rob" runs the "submit" action with:
        | text | The flour was wet. |
      Then the "claimant" actor has:
        | rests | false        |
        | name  | Clara's Mill |
      And the "respondent" actor has:
        | statements | 1            |
        | name       | Rob's Bakery |
        | rests      | false        |
      When "Rob" runs the "rest" action
      Then "Rob" cannot run the "rest" action
      And the "respondent" actor has:
        | rests | true         |
        | name  | Rob's Bakery |
      When "Clara" runs the "submit" action with:
        | text     | It was dry.                                                      |
        | evidence | 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 |
      Then the "respondent" actor has:
        | rests | false        |
        | name  | Rob's Bakery |
      And the process has:
        | assets.statements.0.text | The flour was wet. |
        | assets.statements.0.by   | Respondent         |
        | assets.statements.1.text | It was dry.        |
        | assets.statements.1.by   | Claimant           |
        | assets.statements.2      | null               |
      When "Clara" runs the "rest" action
      Then the process is in the "hearing" state
      When "Rob" runs the "rest" action
      Then the process is in the "deciding" state

    Scenario: Nobody makes more than five statements
      When "Clara" runs the "submit" action with:
        | text | One |
      And "Clara" runs the "submit" action with:
        | text | Two |
      And "Clara" runs the "submit" action with:
        | text | Three |
      And "Clara" runs the "submit" action with:
        | text | Four |
      Then "Clara" may run the "submit" action
      When "Clara" runs the "submit" action with:
        | text | Five |
      Then "Clara" cannot run the "submit" action
      And "Rob" may run the "submit" action

    Scenario: Silence stops nothing
      When 59 days pass
      Then the process is in the "hearing" state
      When 1 day passes
      Then the process is in the "deciding" state

    Scenario Outline: <other> accepts what <one> offered
      Then "<one>" cannot run the "offer_settlement" action with:
        | terms |  |
      When "<one>" runs the "offer_settlement" action with:
        | terms | 600 EUR, and no more flour. |
      Then the process is in the "hearing" state
      And the process has asset "settlement" with:
        | terms | 600 EUR, and no more flour. |
        | by    | <actor>                     |
      And "<one>" cannot run the "accept_settlement" action
      And "<other>" cannot run the "take_back" action
      When "<other>" runs the "accept_settlement" action
      Then the process is completed

      Examples:
        | one   | actor      | other |
        | Clara | claimant   | Rob   |
        | Rob   | respondent | Clara |

    Scenario Outline: <one> takes an offer back
      Then "<one>" cannot run the "take_back" action
      When "<one>" runs the "offer_settlement" action with:
        | terms | 600 EUR |
      And "<one>" runs the "take_back" action
      Then the process has:
        | assets.settlement.terms | null |
        | assets.settlement.by    | null |
      And "<other>" cannot run the "accept_settlement" action

      Examples:
        | one   | other |
        | Clara | Rob   |
        | Rob   | Clara |

    Scenario: A new offer takes the place of the one before
      When "Clara" runs the "offer_settlement" action with:
        | terms | 900 EUR |
      And "Rob" runs the "offer_settlement" action with:
        | terms | 600 EUR |
      Then the process has asset "settlement" with:
        | terms | 600 EUR    |
        | by    | respondent |
      And "Rob" cannot run the "accept_settlement" action

  Rule: The arbitrator decides

    Background:
      Given "Clara" runs the "file" action with:
        | parties  | Clara's Mill and Rob's Bakery   |
        | dispute  | Rob has not paid for the flour. |
        | relief   | Payment of 1200 EUR             |
        | amount   | 1200                            |
        | currency | EUR                             |
        | seat     | Utrecht                         |
        | law      | the Netherlands                 |
        | fee      | 300                             |
      And "Ada" runs the "take_on" action with:
        | disclosure | None |
      And "Rob" runs the "agree" action
      And "Clara" runs the "rest" action
      And "Rob" runs the "rest" action

    Scenario: Both may still settle
      Then the possible actions are:
        | award            | arbitrator           |
        | offer_settlement | claimant, respondent |
      When "Rob" runs the "offer_settlement" action with:
        | terms | 600 EUR |
      Then "Rob" may run the "take_back" action
      When "Clara" runs the "accept_settlement" action
      Then the process is completed

    Scenario: The mandate ends without an award in 60 days
      When 59 days pass
      Then the process is in the "deciding" state
      When 1 day passes
      Then the process has failed

    Scenario: An award that nobody asks to correct is final after 30 days
      Then "Ada" cannot run the "award" action with:
        | award  | Rob pays. |
        | amount | -1        |
        | costs  | claimant  |
      When "Ada" runs the "award" action with:
        | award  | Rob pays for what was dry. |
        | amount | 1000                       |
        | costs  | each half                  |
      Then the process is in the "awarded" state
      And the process has asset "award" with:
        | amount | 1000 |
      And the possible actions are:
        | ask_correction | claimant, respondent |
      When 29 days pass
      Then the process is in the "awarded" state
      When 1 day passes
      Then the process is completed

    Scenario Outline: <who> asks for a correction
      Given "Ada" runs the "award" action with:
        | award  | Rob pays for what was dry. |
        | amount | 1000                       |
        | costs  | respondent                 |
      Then "<who>" cannot run the "ask_correction" action with:
        | correction |  |
      When "<who>" runs the "ask_correction" action with:
        | correction | The sum is wrong. |
      Then the process is in the "correcting" state
      And the process has asset "award" with:
        | correction | The sum is wrong. |
        | amount     | 1000              |
      And "Ada" cannot run the "correct" action with:
        | answer |  |
      When "Ada" runs the "correct" action with:
        | answer | So it is. |
        | amount | 1100      |
      Then the process is completed
      And the process has asset "award" with:
        | answer | So it is.  |
        | amount | 1100       |
        | costs  | respondent |

      Examples:
        | who   |
        | Clara |
        | Rob   |

    Scenario: A request for correction that is not answered changes nothing
      Given "Ada" runs the "award" action with:
        | award  | Rob pays for what was dry. |
        | amount | 1000                       |
        | costs  | claimant                   |
      And "Rob" runs the "ask_correction" action with:
        | correction | The sum is wrong. |
      When 29 days pass
      Then the process is in the "correcting" state
      When 1 day passes
      Then the process is completed
