# Follows the scenarios of the OpenFeature specification (open-feature/spec, specification/assets/gherkin, evaluation_v2 and
# evaluation), by their names. A flag there is a field of a project's config here; variants are arms.
Feature: Flag evaluation

  Background:
    Given a stable provider

  Scenario Outline: Resolve values
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    When the flag was evaluated with details
    Then the resolved details value should be "<resolved_value>"
    And the flag key should be "<key>"
    And the variant should be "champion"
    And the reason should be "STATIC"
    And the error-code should be "none"

    Examples: Boolean evaluations
      | key                | type    | default | resolved_value |
      | flags.boolean-flag | Boolean | false   | true           |

    Examples: String evaluations
      | key               | type   | default | resolved_value |
      | flags.string-flag | String | bye     | hi             |

    Examples: Number evaluations
      | key                | type    | default | resolved_value |
      | flags.integer-flag | Integer | 1       | 10             |
      | flags.float-flag   | Float   | 0.1     | 0.5            |

    Examples: Object evaluations
      | key               | type   | default | resolved_value                                                                 |
      | flags.object-flag | Object | {}      | {"showImages":true,"title":"Check out these pics!","imagesPerPage":100} |

    Examples: A nested field, and the config as a whole
      | key                     | type   | default | resolved_value        |
      | flags.object-flag.title | String | bye     | Check out these pics! |
      | whole                   | Object | {}      | {"model":"m-large"}   |

  Scenario Outline: Resolves zero value
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    When the flag was evaluated with details
    Then the resolved details value should be "<resolved_value>"
    And the reason should be "STATIC"

    Examples:
      | key                     | type    | default | resolved_value |
      | flags.boolean-zero-flag | Boolean | true    | false          |
      | flags.string-zero-flag  | String  | hi      |                |
      | flags.integer-zero-flag | Integer | 1       | 0              |
      | flags.float-zero-flag   | Float   | 0.1     | 0.0            |
      | flags.object-zero-flag  | Object  | {"a":1} | {}             |

  # Targeting one user is an override here.
  Scenario Outline: Resolves zero value with targeting
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    And a context containing a key "targetingKey", with type "String" and with value "ballmer@macrosoft.com"
    When the flag was evaluated with details
    Then the resolved details value should be "<resolved_value>"
    And the reason should be "TARGETING_MATCH"

    Examples:
      | key                                 | type    | default | resolved_value |
      | targeted.boolean-targeted-zero-flag | Boolean | true    | false          |
      | targeted.string-targeted-zero-flag  | String  | hi      |                |
      | targeted.integer-targeted-zero-flag | Integer | 1       | 0              |
      | targeted.float-targeted-zero-flag   | Float   | 0.1     | 0.0            |
      | targeted.object-targeted-zero-flag  | Object  | {"a":1} | {}             |

  # Targeting many is an audience: who is outside of it gets the champion.
  Scenario Outline: Resolves zero value with targeting using default
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    And a context containing a key "targetingKey", with type "String" and with value "bob"
    And a context containing a key "email", with type "String" and with value "ballmer@none.com"
    When the flag was evaluated with details
    Then the resolved details value should be "<resolved_value>"
    And the reason should be "DEFAULT"

    Examples:
      | key                                 | type    | default | resolved_value |
      | targeted.boolean-targeted-zero-flag | Boolean | true    | false          |
      | targeted.string-targeted-zero-flag  | String  | hi      |                |
      | targeted.integer-targeted-zero-flag | Integer | 1       | 0              |
      | targeted.float-targeted-zero-flag   | Float   | 0.1     | 0.0            |
      | targeted.object-targeted-zero-flag  | Object  | {"a":1} | {}             |

  Scenario: Multiple context attributes targeting
    Given a String-flag with key "targeted.string-targeted-zero-flag" and a fallback value "default"
    And a context containing a key "targetingKey", with type "String" and with value "ada"
    And a context containing a key "email", with type "String" and with value "ballmer@macrosoft.com"
    And a context containing a key "age", with type "Integer" and with value "65"
    And a context containing a key "customer", with type "Boolean" and with value "false"
    When the flag was evaluated with details
    Then the resolved details value should be "str"
    And the variant should be "challenger"
    And the reason should be "SPLIT"

  Scenario Outline: Flag not found error
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    When the flag was evaluated with details
    Then the resolved details value should be "<default>"
    And the reason should be "ERROR"
    And the error-code should be "FLAG_NOT_FOUND"

    Examples:
      | key                     | type    | default |
      | non-existent-flag       | Boolean | false   |
      | non-existent-flag       | String  | bye     |
      | non-existent-flag       | Integer | 1       |
      | non-existent-flag       | Float   | 0.1     |
      | non-existent-flag       | Object  | {"a":1} |
      | flags.non-existent-flag | String  | bye     |
      | non.existent.flag       | String  | bye     |

  Scenario Outline: Type mismatch error
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    When the flag was evaluated with details
    Then the resolved details value should be "<default>"
    And the reason should be "ERROR"
    And the error-code should be "TYPE_MISMATCH"

    Examples:
      | key                | type    | default |
      | flags.string-flag  | Boolean | false   |
      | flags.boolean-flag | String  | bye     |
      | flags.boolean-flag | Integer | 1       |
      | flags.boolean-flag | Float   | 0.1     |
      | flags.boolean-flag | Object  | {"a":1} |
      | flags.null-flag    | Object  | {"a":1} |
      | flags.wrong-flag   | Integer | 13      |
      | whole              | String  | bye     |

  Scenario Outline: Provider not ready error
    Given a not ready provider
    And a <type>-flag with key "<key>" and a fallback value "<default>"
    When the flag was evaluated with details
    Then the resolved details value should be "<default>"
    And the reason should be "ERROR"
    And the error-code should be "PROVIDER_NOT_READY"

    Examples:
      | key                | type    | default |
      | flags.boolean-flag | Boolean | false   |
      | flags.string-flag  | String  | bye     |
      | flags.integer-flag | Integer | 1       |
      | flags.float-flag   | Float   | 0.1     |
      | flags.object-flag  | Object  | {"a":1} |

  Scenario Outline: Provider in fatal state error
    Given a fatal provider
    And a <type>-flag with key "<key>" and a fallback value "<default>"
    When the flag was evaluated with details
    Then the resolved details value should be "<default>"
    And the reason should be "ERROR"
    And the error-code should be "PROVIDER_FATAL"

    Examples:
      | key                | type    | default |
      | flags.boolean-flag | Boolean | false   |
      | flags.string-flag  | String  | bye     |
      | flags.integer-flag | Integer | 1       |
      | flags.float-flag   | Float   | 0.1     |
      | flags.object-flag  | Object  | {"a":1} |

  Scenario Outline: Empty evaluation context
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    When the flag was evaluated with details
    Then the resolved details value should be "<value>"
    And the reason should be "DEFAULT"

    Examples:
      | key                                 | type    | value | default |
      | targeted.boolean-targeted-zero-flag | Boolean | false | true    |
      | targeted.string-targeted-zero-flag  | String  |       | str     |
      | targeted.integer-targeted-zero-flag | Integer | 0     | 1       |
      | targeted.float-targeted-zero-flag   | Float   | 0.0   | 1.0     |
      | targeted.object-targeted-zero-flag  | Object  | {}    | {"a":1} |

  Scenario Outline: Null context values
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    And a context containing a key "targetingKey", with type "String" and with value "eve"
    And a context containing a key "email" with null value
    When the flag was evaluated with details
    Then the resolved details value should be "<value>"
    And the reason should be "DEFAULT"

    Examples:
      | key                                 | type    | value | default |
      | targeted.boolean-targeted-zero-flag | Boolean | false | true    |
      | targeted.string-targeted-zero-flag  | String  |       | str     |
      | targeted.integer-targeted-zero-flag | Integer | 0     | 1       |
      | targeted.float-targeted-zero-flag   | Float   | 0.0   | 1.0     |
      | targeted.object-targeted-zero-flag  | Object  | {}    | {"a":1} |

  Scenario Outline: Provider status accessibility
    Given a <status> provider
    Then the provider status should be "<status_code>"

    Examples:
      | status    | status_code |
      | stable    | READY       |
      | not ready | NOT_READY   |
      | error     | ERROR       |
      | fatal     | FATAL       |
      | stale     | STALE       |

  Scenario: Flag metadata in evaluation details
    Given a Boolean-flag with key "targeted.boolean-targeted-zero-flag" and a fallback value "true"
    And a context containing a key "targetingKey", with type "String" and with value "ballmer@macrosoft.com"
    When the flag was evaluated with details
    Then the resolved metadata should contain
      | key        | metadata_type | value    |
      | arm        | String        | champion |
      | share      | Float         | 0.01     |
      | experiment | String        | *        |
      | configHash | String        | *        |
      | sessionId  | String        | *        |

  Scenario: Evaluation options with hooks
    Given a Boolean-flag with key "flags.boolean-flag" and a fallback value "false"
    And evaluation options containing specific hooks
    When the flag was evaluated with details
    Then the specified hooks should execute during evaluation

  Scenario: Evaluation context immutability
    Given a Object-flag with key "flags.object-flag" and a fallback value "{}"
    And a context containing a key "targetingKey", with type "String" and with value "ada"
    When the flag was evaluated with details
    Then the original evaluation context should remain unmodified
    And the evaluation details should be immutable
    And changing the resolved value should not change the next one

  Scenario: Passes evaluation details to after and finally hooks
    Given a Boolean-flag with key "flags.boolean-flag" and a fallback value "false"
    And evaluation options containing specific hooks
    When the flag was evaluated with details
    Then the "before" hook should have been executed
    And the "after, finally" hooks should be called with evaluation details
      | data_type | key        | value              |
      | string    | flag_key   | flags.boolean-flag |
      | boolean   | value      | true               |
      | string    | variant    | champion           |
      | string    | reason     | STATIC             |
      | string    | error_code | null               |

  Scenario Outline: Flag not found and type error, in hooks
    Given a <type>-flag with key "<key>" and a fallback value "<default>"
    And evaluation options containing specific hooks
    When the flag was evaluated with details
    Then the "before" hook should have been executed
    And the "error" hook should have been executed
    And the "finally" hooks should be called with evaluation details
      | data_type | key        | value     |
      | string    | flag_key   | <key>     |
      | <typed>   | value      | <default> |
      | string    | variant    | null      |
      | string    | reason     | ERROR     |
      | string    | error_code | <code>    |

    Examples:
      | key              | type    | typed   | default | code           |
      | missing-flag     | String  | string  | uh-oh   | FLAG_NOT_FOUND |
      | flags.wrong-flag | Boolean | boolean | false   | TYPE_MISMATCH  |
