//! Receipt handles.

use super::refuse::refuse;
use crate::call::Refusal;

/// What a receipt handle says: the place of the message and the receive it was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    /// The message's place on its queue.
    pub place: u64,
    /// The number of the receive.
    pub receipt: u64,
}

impl Handle {
    /// As text.
    pub fn encode(self) -> String {
        format!("AQEB{:016x}{:016x}", self.place, self.receipt)
    }

    /// From text.
    ///
    /// # Errors
    /// `ReceiptHandleIsInvalid`.
    pub fn decode(text: &str) -> Result<Self, Refusal> {
        let parse = || {
            let digits = text.strip_prefix("AQEB").filter(|d| d.len() == 32 && d.is_ascii())?;
            let number = |part: &str| u64::from_str_radix(part, 16).ok();
            Some(Self { place: number(&digits[..16])?, receipt: number(&digits[16..])? })
        };
        let text = format!("The input receipt handle \"{text}\" is not a valid receipt handle.");
        parse().ok_or_else(|| refuse("ReceiptHandleIsInvalid", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_handle_survives_its_text_and_nonsense_is_refused() {
        let handle = Handle { place: 7, receipt: u64::MAX };
        assert_eq!(Handle::decode(&handle.encode()).unwrap(), handle);
        for text in ["", "AQEB", "x", "AQEBé0000000000000000000000000000000"] {
            assert_eq!(Handle::decode(text).unwrap_err().code, "ReceiptHandleIsInvalid");
        }
    }
}
