use super::*;

#[test]
fn codes_are_judged_before_the_status() {
    for (code, status, verdict) in [
        ("ThrottlingException", 400, Verdict::Throttled),
        ("ProvisionedThroughputExceededException", 400, Verdict::Throttled),
        ("SlowDown", 503, Verdict::Throttled),
        ("OverLimit", 403, Verdict::Throttled),
        ("", 429, Verdict::Throttled),
        ("AccessDenied", 403, Verdict::Denied),
        ("AccessDeniedException", 400, Verdict::Denied),
        ("ExpiredTokenException", 400, Verdict::Denied),
        ("UnrecognizedClientException", 400, Verdict::Denied),
        ("", 403, Verdict::Denied),
        ("ConditionalCheckFailedException", 400, Verdict::Conflict),
        ("ConflictException", 409, Verdict::Conflict),
        ("RequestTimeout", 400, Verdict::Transient),
        ("InternalServerException", 500, Verdict::Transient),
        ("SomethingNew", 503, Verdict::Transient),
        ("TransactionConflictException", 400, Verdict::Transient),
        ("ValidationException", 400, Verdict::Permanent),
        ("ResourceNotFoundException", 404, Verdict::Permanent),
        ("ServiceQuotaExceededException", 402, Verdict::Permanent),
        ("SomethingNew", 400, Verdict::Permanent),
    ] {
        assert_eq!(of_code(code, status), verdict, "{code} {status}");
    }
}

#[test]
fn a_refusal_of_the_hubs_own_table_or_queue_is_their_absence_unless_the_item_is_at_fault() {
    let table = |code, status, message| of_hub(Neighbour::Table, of_code(code, status), code, message);
    for (code, status, message) in [
        ("ResourceNotFoundException", 400, "Requested resource not found"),
        ("AccessDeniedException", 400, "no"),
        ("ExpiredTokenException", 400, "no"),
        ("InvalidSignatureException", 400, "no"),
        ("ValidationException", 400, "The provided key element does not match the schema"),
    ] {
        assert_eq!(table(code, status, message), Verdict::Transient, "{code}");
    }
    let too_large = "Item size has exceeded the maximum allowed size";
    assert_eq!(table("ValidationException", 400, too_large), Verdict::Permanent);
    assert_eq!(table("ConditionalCheckFailedException", 400, ""), Verdict::Conflict);
    assert_eq!(table("ThrottlingException", 400, ""), Verdict::Throttled);
    let queue = |code| of_hub(Neighbour::Queue, of_code(code, 400), code, "no");
    assert_eq!(queue("AWS.SimpleQueueService.NonExistentQueue"), Verdict::Transient);
    assert_eq!(queue("AccessDenied"), Verdict::Transient);
    assert_eq!(queue("InvalidMessageContents"), Verdict::Permanent);
    let spoke = of_hub(Neighbour::Spoke, Verdict::Denied, "AccessDenied", "no");
    assert_eq!(spoke, Verdict::Denied);
}

#[test]
fn a_wish_of_the_service_is_in_seconds() {
    assert_eq!(seconds(" 7 "), Some(Duration::from_secs(7)));
    assert_eq!(seconds("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    assert_eq!(seconds("-1"), None);
    assert_eq!(seconds("86400"), Some(Duration::from_mins(15)), "a day would silence an account");
}
