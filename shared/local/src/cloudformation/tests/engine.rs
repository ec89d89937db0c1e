use super::*;

#[tokio::test]
async fn what_is_not_known_is_an_error_with_its_place() {
    let cases = [
        (
            "Resources: {A: {Type: 'AWS::EC2::Instance'}}",
            "resource A: the type AWS::EC2::Instance is not known here",
        ),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q, FifoQueue: true}}}",
            "resource A: AWS::SQS::Queue property FifoQueue is not known here",
        ),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Metadata: {}}}",
            "resource A: the attribute Metadata is not known here",
        ),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {}}}",
            "resource A: AWS::SQS::Queue property QueueName is required",
        ),
        ("Resources: {A: {Properties: {}}}", "resource A: it has no Type"),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !Ref B}}}",
            "resource A: B refers to nothing",
        ),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !Base64 x}}}",
            "template: the function !Base64 is not known here",
        ),
        (
            "Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, DependsOn: [A]}}",
            "template: circular references between A, B",
        ),
        ("Resources: {A: {Type: T, Condition: C}}", "template: there is no condition C"),
        ("Transform: x", "template: section Transform is not known here"),
        ("Outputs: {O: {Value: !GetAtt A.Arn}}", "template: output O: A refers to nothing"),
        ("[]", "template: it is not a mapping"),
    ];
    for (template, wanted) in cases {
        let world = World::new(Clock::real(), Faults::none());
        world.iam.add_account(HUB, None);
        let error = create(&world, template, &[]).await.unwrap_err();
        assert_eq!(error.to_string(), wanted, "{template}");
    }
}

#[tokio::test]
async fn parameters_are_checked_and_their_values_never_shown() {
    let world = World::new(Clock::real(), Faults::none());
    let bad_secret = [
        ("HubAccountId", HUB),
        ("HubBusArn", "arn:aws:events:eu-central-1:111111111111:event-bus/x"),
        ("ExternalId", "short"),
    ];
    let error = create(&world, SPOKE_TEMPLATE, &bad_secret).await.unwrap_err().to_string();
    assert_eq!(error, "parameter ExternalId: must have 16 to 1224 letters, digits or _+=,.@:/-");
    let error =
        create(&world, HUB_TEMPLATE, &[("OrganizationId", ORGANIZATION)]).await.unwrap_err().to_string();
    assert_eq!(error, "parameter AlertEmail: a value is required");
    let error = create(&world, HUB_TEMPLATE, &[("OrganisationId", "o")]).await.unwrap_err().to_string();
    assert_eq!(error, "parameter OrganisationId: the template does not have it");
}

#[tokio::test]
async fn functions_and_conditions_are_evaluated() {
    let template = r#"
Parameters: {Stage: {Type: String, Default: test, AllowedValues: [test, live]}}
Conditions:
  Live: !Equals [!Ref Stage, live]
  Test: !Not [Condition: Live]
  Both: !And [!Condition Live, !Condition Test]
  Either: !Or [!Condition Live, !Condition Test]
Resources:
  Bus: {Type: "AWS::Events::EventBus", Properties: {Name: !Sub "${Stage}-bus"}}
  Never: {Type: "AWS::Events::EventBus", Condition: Live, Properties: {Name: live}}
Outputs:
  Joined: {Value: !Join ["-", [a, !Ref Stage, !Select [1, !Split [",", "x,y,z"]]]]}
  Sub: {Value: !Sub ["${Own} ${!Literal} ${Bus.Arn}", {Own: !Ref "AWS::Region"}]}
  If: {Value: !If [Live, yes, !If [Either, either, none]]}
  Hidden: {Condition: Both, Value: x}
"#;
    let world = World::new(Clock::real(), Faults::none());
    world.iam.add_account(HUB, None);
    let outputs = create(&world, template, &[]).await.unwrap();
    assert_eq!(outputs["Joined"], "a-test-y");
    assert_eq!(
        outputs["Sub"],
        "eu-central-1 ${Literal} arn:aws:events:eu-central-1:111111111111:event-bus/test-bus"
    );
    assert_eq!(outputs["If"], "either");
    assert_eq!(
        outputs.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(["If", "Joined", "Sub"])
    );
    let again = create(&world, template, &[]).await.unwrap_err();
    assert_eq!(again.to_string(), "stack stack already exists");
}

#[tokio::test]
async fn what_a_service_refuses_names_the_resource() {
    let world = World::new(Clock::real(), Faults::none());
    world.iam.add_account(HUB, None);
    let template = r#"Resources: {Bad: {Type: "AWS::Events::EventBus", Properties: {Name: "a b"}}}"#;
    let error = create(&world, template, &[]).await.unwrap_err().to_string();
    assert_eq!(error, "resource Bad: ValidationException: a b is not a name for an event bus");
}
