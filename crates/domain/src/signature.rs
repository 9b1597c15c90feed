//! Digests and signatures (摘要、签名) as values: whoever makes or verifies them stands outside the rules.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::ids::MessageId;

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// Reads lower-case hexadecimal text of the right length; nothing where it is not that.
            #[must_use]
            pub fn parse(text: &str) -> Option<$name> {
                let digit = |byte: &u8| match byte {
                    b'0'..=b'9' => Some(byte - b'0'),
                    b'a'..=b'f' => Some(byte - b'a' + 10),
                    _ => None,
                };
                let mut bytes = [0; $length];
                if text.len() != 2 * $length {
                    return None;
                }
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    *byte = digit(pair.first()?)? << 4 | digit(pair.get(1)?)?;
                }
                Some($name(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    };
}

fixed_bytes! {
    /// A SHA-256.
    Digest, 32
}

fixed_bytes! {
    /// An Ed25519 signature.
    Signature, 64
}

fixed_bytes! {
    /// An Ed25519 key by which signatures are verified.
    PublicKey, 32
}

impl Digest {
    /// The digest of some parts, one behind the other.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Digest {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        Digest(hash.finalize().into())
    }
}

/// By what a record is proven (签名): what care signed when it asked, and what home signed when it answered. A region
/// without a key signs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// The message in which care sent the claim (`msgid`); known where anything is signed.
    pub message: Option<MessageId>,
    /// Of a settlement, care's signature of the claim; of a negative record, of the request to undo it.
    pub care: Option<Signature>,
    /// Home's signature of the record.
    pub home: Option<Signature>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_text_reads_as_a_digest() {
        let text = Digest::of(&[b"ab", b"c"]).to_string();
        assert_eq!(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(&text), Some(Digest::of(&[b"abc"])));
        for wrong in [&text[1..], &text.to_uppercase(), &text.replace('b', "+"), ""] {
            assert_eq!(Digest::parse(wrong), None, "{wrong}");
        }
    }
}
