//! The same tests against the local cloud and against an emulator that this project did not write, so that
//! the local cloud cannot flatter the workers. Where the two differ, the test says which one is AWS.

mod dynamodb;
mod io;
mod ministack;
mod sns;
mod sqs;
mod sts;
mod target;

/// Runs each function against both.
macro_rules! against_both {
    ($($name:ident),+ $(,)?) => {
        mod local_cloud {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&super::Target::local().await).await;
            })+
        }
        mod ministack {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(target) = super::Target::ministack().await {
                    super::$name(&target).await;
                }
            })+
        }
    };
}
use against_both;

/// The code of a refused call.
fn code<T, E>(answer: Result<T, E>) -> String
where
    E: aws_sdk_sqs::error::ProvideErrorMetadata,
{
    answer.err().and_then(|error| error.code().map(str::to_owned)).unwrap_or_default()
}
