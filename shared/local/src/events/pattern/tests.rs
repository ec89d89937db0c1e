use serde_json::{Value, json};

use super::Pattern;

fn matches(pattern: &Value, event: &Value) -> bool {
    Pattern::parse(&pattern.to_string()).unwrap().matches(event)
}

/// Asserts which of the values a leaf with these alternatives takes.
fn check(alternatives: &Value, wanted: &[Value], unwanted: &[Value]) {
    let pattern = json!({ "detail": { "f": alternatives } });
    for value in wanted {
        assert!(matches(&pattern, &json!({"detail": {"f": value}})), "{alternatives} should take {value}");
    }
    for value in unwanted {
        assert!(!matches(&pattern, &json!({"detail": {"f": value}})), "{alternatives} should refuse {value}");
    }
}

#[test]
fn exact_values_match_by_type_and_text() {
    check(&json!(["a", "b"]), &[json!("a"), json!("b")], &[json!("A"), json!("ab"), json!(null)]);
    check(&json!([300]), &[json!(300)], &[json!(300.0), json!("300"), json!(301)]);
    check(&json!([true]), &[json!(true)], &[json!(false), json!("true"), json!(1)]);
    check(&json!([null]), &[json!(null)], &[json!("null"), json!(0), json!(""), json!([])]);
    check(&json!([""]), &[json!("")], &[json!(null), json!(" ")]);
}

#[test]
fn prefixes_and_suffixes_match_strings_only() {
    check(&json!([{"prefix": "us-"}]), &[json!("us-east-1"), json!("us-")], &[json!("eu-us-"), json!(5)]);
    check(&json!([{"suffix": ".png"}]), &[json!("a.png"), json!(".png")], &[json!("png"), json!(".PNG")]);
    check(&json!([{"prefix": {"equals-ignore-case": "EventB"}}]), &[json!("eventbus")], &[json!("event")]);
    check(&json!([{"suffix": {"equals-ignore-case": ".PNG"}}]), &[json!("a.Png")], &[json!("a.jpg")]);
    check(&json!([{"equals-ignore-case": "Alice"}]), &[json!("aLICE")], &[json!("alice2"), json!(1)]);
}

#[test]
fn anything_but_takes_everything_else_that_is_there() {
    check(&json!([{"anything-but": "a"}]), &[json!("b"), json!(1), json!(null)], &[json!("a")]);
    check(&json!([{"anything-but": ["a", "b"]}]), &[json!("c")], &[json!("a"), json!("b"), json!([])]);
    check(&json!([{"anything-but": 5}]), &[json!(6), json!("5")], &[json!(5), json!(5.0)]);
    check(&json!([{"anything-but": [1, 2]}]), &[json!(3)], &[json!(1), json!(2)]);
    check(&json!([{"anything-but": {"prefix": "x"}}]), &[json!("y"), json!(7)], &[json!("xy")]);
    check(&json!([{"anything-but": {"prefix": ["x", "y"]}}]), &[json!("z")], &[json!("xa"), json!("ya")]);
    check(&json!([{"anything-but": {"suffix": "x"}}]), &[json!("xy")], &[json!("yx")]);
    check(
        &json!([{"anything-but": {"equals-ignore-case": ["A", "b"]}}]),
        &[json!("c")],
        &[json!("a"), json!("B")],
    );
    check(&json!([{"anything-but": {"wildcard": "*/lib/*"}}]), &[json!("a/bin/b")], &[json!("a/lib/b")]);
    assert!(!matches(&json!({"f": [{"anything-but": "a"}]}), &json!({})), "an absent field is not anything");
}

#[test]
fn numeric_compares_numbers_at_the_edges() {
    check(&json!([{"numeric": ["=", 3.018e2]}]), &[json!(301.8)], &[json!(301.81), json!("301.8")]);
    check(
        &json!([{"numeric": [">", 0, "<=", 5]}]),
        &[json!(0.001), json!(5)],
        &[json!(0), json!(5.001), json!(-1)],
    );
    check(&json!([{"numeric": ["<", 10]}]), &[json!(9.999), json!(-10)], &[json!(10), json!(null)]);
    check(&json!([{"numeric": [">=", -5.0e9]}]), &[json!(-5_000_000_000_i64)], &[json!("x")]);
}

#[test]
fn wildcards_match_with_the_literal_parts_in_order() {
    check(&json!([{"wildcard": "*"}]), &[json!(""), json!("a")], &[json!(1)]);
    check(
        &json!([{"wildcard": "a*b*c"}]),
        &[json!("abc"), json!("axxbyyc"), json!("abbcc")],
        &[json!("acb"), json!("abcd")],
    );
    check(&json!([{"wildcard": "ab*ba"}]), &[json!("abba")], &[json!("aba")]);
    check(&json!([{"wildcard": r"a\*b\\"}]), &[json!(r"a*b\")], &[json!(r"axb\")]);
}

#[test]
fn cidr_matches_addresses_of_its_family() {
    check(
        &json!([{"cidr": "10.0.0.0/24"}]),
        &[json!("10.0.0.255")],
        &[json!("10.0.1.0"), json!("::1"), json!("x")],
    );
    check(&json!([{"cidr": "0.0.0.0/0"}]), &[json!("203.0.113.9")], &[json!("2001:db8::1")]);
    check(&json!([{"cidr": "2001:db8::/32"}]), &[json!("2001:db8:1::1")], &[json!("2001:db9::1")]);
}

#[test]
fn exists_sees_leaves_only() {
    let exists = json!({"detail": {"f": [{"exists": true}]}});
    let absent = json!({"detail": {"f": [{"exists": false}]}});
    for present in [json!("x"), json!(null), json!(false), json!([1])] {
        let event = json!({"detail": {"f": present}});
        assert!(matches(&exists, &event) && !matches(&absent, &event), "{event}");
    }
    for missing in
        [json!({"detail": {}}), json!({}), json!({"detail": {"f": {"g": 1}}}), json!({"detail": {"f": []}})]
    {
        assert!(!matches(&exists, &missing) && matches(&absent, &missing), "{missing}");
    }
}

#[test]
fn absence_is_judged_over_the_whole_event_not_per_array_element() {
    let pattern = json!({"detail": {"list": {"b": [{"exists": false}]}}});
    assert!(!matches(&pattern, &json!({"detail": {"list": [{"b": 1}, {"c": 2}]}})));
    assert!(matches(&pattern, &json!({"detail": {"list": [{"c": 2}]}})));
}

#[test]
fn any_element_of_an_array_matches() {
    let pattern = json!({"resources": [{"prefix": "arn:aws:drs:"}]});
    assert!(matches(&pattern, &json!({"resources": ["x", "arn:aws:drs:eu"]})));
    assert!(!matches(&pattern, &json!({"resources": []})));
    assert!(matches(&json!({"f": [2]}), &json!({"f": [[1], [2]]})));
}

#[test]
fn fields_below_an_array_of_objects_match_within_one_element() {
    let pattern = json!({"list": {"a": [1], "b": [2]}});
    assert!(matches(&pattern, &json!({"list": [{"a": 1, "b": 2}, {"a": 9}]})));
    assert!(!matches(&pattern, &json!({"list": [{"a": 1, "b": 9}, {"a": 9, "b": 2}]})));
}

#[test]
fn or_needs_one_branch_and_the_fields_beside_it() {
    let pattern = json!({"source": ["s"], "$or": [{"detail": {"a": [1]}}, {"detail": {"b": [2]}}]});
    assert!(matches(&pattern, &json!({"source": "s", "detail": {"a": 1}})));
    assert!(matches(&pattern, &json!({"source": "s", "detail": {"b": 2}})));
    assert!(!matches(&pattern, &json!({"source": "s", "detail": {"a": 2, "b": 1}})));
    assert!(!matches(&pattern, &json!({"source": "t", "detail": {"a": 1}})));
}

#[test]
fn an_account_is_compared_as_it_stands() {
    assert!(!matches(&json!({"account": ["*"]}), &json!({"account": "111122223333"})));
}

#[test]
fn malformed_patterns_are_refused_with_the_reason() {
    let cases = [
        (r"[]", "must be an object"),
        (r"{}", "empty objects"),
        (r#"{"a":{}}"#, "empty objects"),
        (r#"{"a":[]}"#, "empty arrays"),
        (r#"{"a":"b"}"#, "a must be an object or an array"),
        (r#"{"a":{"b":1}}"#, "a.b must be"),
        (r#"{"a":[["b"]]}"#, "match value"),
        (r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "only one key"),
        (r#"{"a":[{}]}"#, "only one key"),
        (r#"{"a":[{"like":"x"}]}"#, "unrecognized match type like"),
        (r#"{"a":[{"prefix":1}]}"#, "must be a string"),
        (r#"{"a":[{"exists":"true"}]}"#, "true or false"),
        (r#"{"a":[{"numeric":[">"]}]}"#, "needs a number"),
        (r#"{"a":[{"numeric":["<",5,">",1]}]}"#, "lower and an upper"),
        (r#"{"a":[{"numeric":[">",5,"<",5]}]}"#, "bottom must be less"),
        (r#"{"a":[{"numeric":["!=",5]}]}"#, "operator"),
        (r#"{"a":[{"numeric":["=",5.1e9]}]}"#, "within"),
        (r#"{"a":[{"numeric":[]}]}"#, "one comparison"),
        (r#"{"a":[{"anything-but":[]}]}"#, "empty arrays"),
        (r#"{"a":[{"anything-but":["x",1]}]}"#, "only strings or only numbers"),
        (r#"{"a":[{"anything-but":[null]}]}"#, "only strings or only numbers"),
        (r#"{"a":[{"anything-but":{"prefix":""}}]}"#, "must not be empty"),
        (r#"{"a":[{"anything-but":{"numeric":["=",1]}}]}"#, "unrecognized"),
        (r#"{"a":[{"wildcard":"a**b"}]}"#, "consecutive"),
        (r#"{"a":[{"wildcard":"a\\b"}]}"#, "escape"),
        (r#"{"a":[{"cidr":"10.0.0.0"}]}"#, "CIDR"),
        (r#"{"a":[{"cidr":"10.0.0.0/33"}]}"#, "CIDR"),
        (r#"{"$or":[{"a":[1]}]}"#, "at least two"),
        ("{", "not JSON"),
    ];
    for (pattern, reason) in cases {
        let error = Pattern::parse(pattern).unwrap_err();
        assert!(error.contains(reason), "{pattern}: {error}");
    }
    let long = json!({"a": ["x".repeat(2048)]}).to_string();
    assert!(Pattern::parse(&long).unwrap_err().contains("2048"));
}
