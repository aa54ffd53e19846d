//! What RFC 3161 and the parts of CMS (RFC 5652) that it uses look like in DER.
//!
//! Certificates and signed attributes are kept as the bytes that they came as, because signatures
//! are over those.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::TimestampError;

pub(super) const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
pub(super) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(super) const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
pub(super) const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
pub(super) const TST_INFO: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
pub(super) const CONTENT_TYPE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
pub(super) const MESSAGE_DIGEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
pub(super) const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
pub(super) const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

#[derive(Sequence)]
pub(super) struct MessageImprint<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) digest: OctetStringRef<'a>,
}

#[derive(Sequence)]
pub(super) struct TimeStampReq<'a> {
    pub(super) version: u8,
    pub(super) imprint: MessageImprint<'a>,
    pub(super) nonce: u64,
    pub(super) certificates: bool,
}

#[derive(Sequence)]
pub(super) struct TimeStampResp<'a> {
    status: PkiStatusInfo<'a>,
    #[asn1(optional = "true")]
    token: Option<ContentInfo<'a>>,
}

#[derive(Sequence)]
struct PkiStatusInfo<'a> {
    status: u8,
    #[asn1(optional = "true")]
    text: Option<Vec<AnyRef<'a>>>,
    #[asn1(optional = "true")]
    failure: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct ContentInfo<'a> {
    kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: AnyRef<'a>,
}

#[derive(Sequence)]
pub(super) struct SignedData<'a> {
    version: u8,
    digest_algorithms: AnyRef<'a>,
    pub(super) content: EncapsulatedContent<'a>,
    #[asn1(
        context_specific = "0",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    pub(super) certificates: Option<Vec<AnyRef<'a>>>,
    #[asn1(
        context_specific = "1",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    crls: Option<Vec<AnyRef<'a>>>,
    signers: AnyRef<'a>,
}

#[derive(Sequence)]
pub(super) struct EncapsulatedContent<'a> {
    pub(super) kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) bytes: OctetStringRef<'a>,
}

#[derive(Sequence)]
pub(super) struct SignerInfo<'a> {
    version: u8,
    /// `IssuerAndSerialNumber`, or `[0]` the key's identifier.
    pub(super) signer: AnyRef<'a>,
    pub(super) digest: AlgorithmIdentifierRef<'a>,
    #[asn1(
        context_specific = "0",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    attributes: Option<Vec<AnyRef<'a>>>,
    algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) signature: OctetStringRef<'a>,
    #[asn1(
        context_specific = "1",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    unsigned_attributes: Option<Vec<AnyRef<'a>>>,
}

#[derive(Sequence)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    values: AnyRef<'a>,
}

/// `SigningCertificate` and `SigningCertificateV2` (RFC 5035).
#[derive(Sequence)]
pub(super) struct SigningCertificate<'a> {
    pub(super) certificates: Vec<CertificateId<'a>>,
    #[asn1(optional = "true")]
    policies: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
pub(super) struct CertificateId<'a> {
    /// Only in version 2, where SHA-256 is meant if it is not there.
    #[asn1(optional = "true")]
    pub(super) algorithm: Option<AlgorithmIdentifierRef<'a>>,
    pub(super) digest: OctetStringRef<'a>,
    #[asn1(optional = "true")]
    issuer: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
pub(super) struct TstInfo<'a> {
    version: u8,
    policy: ObjectIdentifier,
    pub(super) imprint: MessageImprint<'a>,
    serial: UintRef<'a>,
    /// `GeneralizedTime`, which may have fractions of a second here.
    pub(super) time: AnyRef<'a>,
    #[asn1(optional = "true")]
    accuracy: Option<Vec<AnyRef<'a>>>,
    #[asn1(default = "bool::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    pub(super) nonce: Option<UintRef<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<AnyRef<'a>>,
    #[asn1(
        context_specific = "1",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    extensions: Option<Vec<AnyRef<'a>>>,
}

/// The token of a response that grants one.
pub(super) fn token(response: &[u8]) -> Result<SignedData<'_>, TimestampError> {
    let TimeStampResp { status, token } = TimeStampResp::from_der(response)?;
    // 0 is granted, 1 is granted with modifications.
    let (0 | 1, Some(token)) = (status.status, token) else {
        let text = status.text.unwrap_or_default();
        let text = text
            .iter()
            .filter_map(|part| std::str::from_utf8(part.value()).ok());
        let told = text.collect::<Vec<_>>().join("; ");
        return Err(TimestampError::Refused(format!(
            "status {}{}{told}",
            status.status,
            if told.is_empty() { "" } else { ": " }
        )));
    };
    if token.kind != SIGNED_DATA {
        return Err(malformed("the token is no SignedData"));
    }
    let signed: SignedData = token.content.decode_as()?;
    if signed.content.kind != TST_INFO {
        return Err(malformed("what is signed is no TSTInfo"));
    }
    Ok(signed)
}

impl<'a> SignedData<'a> {
    /// The one that signed it.
    pub(super) fn signer(&self) -> Result<SignerInfo<'a>, TimestampError> {
        if self.signers.tag() != Tag::Set {
            return Err(malformed("its signers are no set"));
        }
        let mut reader = SliceReader::new(self.signers.value())?;
        let signer = SignerInfo::decode(&mut reader)?;
        if reader.is_finished() {
            return Ok(signer);
        }
        Err(malformed("it has more than one signer"))
    }
}

impl<'a> SignerInfo<'a> {
    /// What the signature is over: the attributes as a SET OF.
    pub(super) fn signed_bytes(&self) -> Result<Vec<u8>, TimestampError> {
        let attributes = self.attributes.iter().flatten();
        let mut encoded = attributes
            .map(Encode::to_der)
            .collect::<Result<Vec<_>, _>>()?;
        encoded.sort();
        Ok(AnyRef::new(Tag::Set, &encoded.concat())?.to_der()?)
    }

    /// The only value of a signed attribute; `None` if there is no such attribute.
    pub(super) fn attribute(
        &self,
        kind: ObjectIdentifier,
    ) -> Result<Option<AnyRef<'a>>, TimestampError> {
        let mut found = None;
        for attribute in self.attributes.iter().flatten() {
            let attribute: Attribute = attribute.decode_as()?;
            if attribute.kind != kind {
                continue;
            }
            let mut reader = SliceReader::new(attribute.values.value())?;
            let value = AnyRef::decode(&mut reader)?;
            if !reader.is_finished() || found.replace(value).is_some() {
                return Err(malformed("a signed attribute has several values"));
            }
        }
        Ok(found)
    }
}

pub(super) fn malformed(reason: &str) -> TimestampError {
    TimestampError::Malformed(reason.to_owned())
}
