//! A signed token, taken apart and checked.

use std::time::Duration;

use aws_lc_rs::digest;
use chrono::{DateTime, NaiveDateTime, Utc};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Tag, Tagged};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, aws_lc_rs as algorithms};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};

use super::TimestampError;
use super::asn1::{self, SignedData, SignerInfo, SigningCertificate, TstInfo, malformed};

/// The purpose that a certificate must have, and have alone (RFC 3161, 2.3).
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// Whatever an authority may sign with: RSA and ECDSA, with SHA-2.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P256_SHA512,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ECDSA_P384_SHA512,
    algorithms::ECDSA_P521_SHA256,
    algorithms::ECDSA_P521_SHA384,
    algorithms::ECDSA_P521_SHA512,
];

/// A token of the right bytes, signed by the certificate in it. Whether that one is to be trusted
/// is still open.
pub(super) struct Token<'a> {
    info: TstInfo<'a>,
    signer: CertificateDer<'a>,
    others: Vec<CertificateDer<'a>>,
}

impl<'a> Token<'a> {
    /// Checks digest and signature.
    pub(super) fn open(response: &'a [u8], sha256: &[u8; 32]) -> Result<Self, TimestampError> {
        let data = asn1::token(response)?;
        let info = TstInfo::from_der(data.content.bytes.as_bytes())?;
        let imprint = &info.imprint;
        if imprint.algorithm.oid != asn1::SHA_256 || imprint.digest.as_bytes() != sha256 {
            return Err(TimestampError::OtherBytes(format!(
                "it stamps digest {}, these bytes have {}",
                hex::encode(imprint.digest.as_bytes()),
                hex::encode(sha256)
            )));
        }
        let signer = data.signer()?;
        let (certificate, others) = certificates(&data, &signer)?;
        check_attributes(&data, &signer, &certificate)?;
        check_signature(&signer, &certificate)?;
        Ok(Self {
            info,
            signer: certificate,
            others,
        })
    }

    pub(super) fn require_nonce(&self, nonce: u64) -> Result<(), TimestampError> {
        let bytes = nonce.to_be_bytes();
        let significant: &[u8] = match bytes.iter().position(|byte| *byte != 0) {
            Some(first) => &bytes[first..],
            None => &[0],
        };
        match self.info.nonce {
            Some(found) if found.as_bytes() == significant => Ok(()),
            _ => Err(TimestampError::OtherBytes(
                "it answers another request: its nonce is not ours".to_owned(),
            )),
        }
    }

    /// That the signer may stamp, and one of the roots vouches for it at that time.
    pub(super) fn require_chain(&self, roots: &str) -> Result<(), TimestampError> {
        require_time_stamping(&self.signer)?;
        let roots = read_roots(roots)?;
        let anchors = roots
            .iter()
            .map(anchor_from_trusted_cert)
            .collect::<Result<Vec<TrustAnchor<'_>>, _>>()
            .map_err(|e| TimestampError::Roots(e.to_string()))?;
        let seconds = u64::try_from(self.time()?.timestamp())
            .map_err(|_| malformed("its time is before 1970"))?;
        let untrusted = |e: webpki::Error| TimestampError::Certificate(e.to_string());
        EndEntityCert::try_from(&self.signer)
            .map_err(untrusted)?
            .verify_for_usage(
                ALGORITHMS,
                &anchors,
                &self.others,
                UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                // The signer's own purpose is checked above, more strictly.
                KeyUsage::required_if_present(TIME_STAMPING.as_bytes()),
                None,
                None,
            )
            .map_err(untrusted)?;
        Ok(())
    }

    /// When the bytes existed, by the authority's clock.
    pub(super) fn time(&self) -> Result<DateTime<Utc>, TimestampError> {
        let text = std::str::from_utf8(self.info.time.value()).unwrap_or_default();
        let read = NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S%.fZ");
        match (self.info.time.tag(), read) {
            (Tag::GeneralizedTime, Ok(time)) => Ok(time.and_utc()),
            _ => Err(malformed("its time is no UTC time")),
        }
    }
}

fn read_roots(pem: &str) -> Result<Vec<CertificateDer<'static>>, TimestampError> {
    let roots = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| TimestampError::Roots(format!("{e:?}")))?;
    if roots.is_empty() {
        return Err(TimestampError::Roots("there is no certificate".to_owned()));
    }
    Ok(roots)
}

/// The signer's certificate and the others.
fn certificates<'a>(
    data: &SignedData<'a>,
    signer: &SignerInfo<'a>,
) -> Result<(CertificateDer<'a>, Vec<CertificateDer<'a>>), TimestampError> {
    let (mut own, mut others) = (None, Vec::new());
    for one in data.certificates.iter().flatten() {
        let der = CertificateDer::from(one.to_der()?);
        // What is no X.509 certificate (attribute certificates, say) vouches for nobody.
        let Ok(read) = Certificate::from_der(&der) else {
            continue;
        };
        if own.is_none() && is_of(&signer.signer, &read)? {
            own = Some(der);
        } else {
            others.push(der);
        }
    }
    let own = own.ok_or_else(|| malformed("the signer's certificate is not in it"))?;
    Ok((own, others))
}

/// Whether a signer's identifier means this certificate.
fn is_of(signer: &AnyRef<'_>, certificate: &Certificate) -> Result<bool, TimestampError> {
    let tbs = &certificate.tbs_certificate;
    if signer.tag() == Tag::Sequence {
        let issuer = [tbs.issuer.to_der()?, tbs.serial_number.to_der()?].concat();
        return Ok(signer.value() == issuer);
    }
    let key: Option<(bool, SubjectKeyIdentifier)> = tbs.get()?;
    Ok(key.is_some_and(|(_, key)| signer.value() == key.0.as_bytes()))
}

/// That what is signed speaks of this content and of this certificate.
fn check_attributes(
    data: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    certificate: &CertificateDer<'_>,
) -> Result<(), TimestampError> {
    let wrong = |what: &str| TimestampError::Signature(what.to_owned());
    let kind = signer.attribute(asn1::CONTENT_TYPE)?;
    let kind: Option<ObjectIdentifier> = kind.map(AnyRef::decode_as).transpose()?;
    if kind != Some(asn1::TST_INFO) {
        return Err(wrong("it does not say that a TSTInfo is signed"));
    }
    let signed_digest = signer.attribute(asn1::MESSAGE_DIGEST)?;
    let signed_digest: Option<OctetStringRef<'_>> =
        signed_digest.map(AnyRef::decode_as).transpose()?;
    let content = digest_of(signer.digest.oid, data.content.bytes.as_bytes())?;
    if signed_digest.is_none_or(|found| found.as_bytes() != content.as_ref()) {
        return Err(wrong("it signs another content"));
    }
    if !names_certificate(signer, certificate)? {
        return Err(wrong("it does not name the certificate that signed it"));
    }
    Ok(())
}

/// The signer must name its certificate in what it signs, or another certificate of the same key
/// could be put in its place.
fn names_certificate(signer: &SignerInfo<'_>, certificate: &[u8]) -> Result<bool, TimestampError> {
    let (found, default) = match signer.attribute(asn1::SIGNING_CERTIFICATE_V2)? {
        Some(found) => (Some(found), asn1::SHA_256),
        None => (signer.attribute(asn1::SIGNING_CERTIFICATE)?, asn1::SHA_1),
    };
    let Some(found) = found else {
        return Ok(false);
    };
    let named: SigningCertificate<'_> = found.decode_as()?;
    let Some(first) = named.certificates.first() else {
        return Ok(false);
    };
    let algorithm = first.algorithm.map_or(default, |algorithm| algorithm.oid);
    Ok(digest_of(algorithm, certificate)?.as_ref() == first.digest.as_bytes())
}

fn check_signature(
    signer: &SignerInfo<'_>,
    certificate: &CertificateDer<'_>,
) -> Result<(), TimestampError> {
    let refused = |e: webpki::Error| TimestampError::Signature(e.to_string());
    let key = EndEntityCert::try_from(certificate).map_err(refused)?;
    let (bytes, signature) = (signer.signed_bytes()?, signer.signature.as_bytes());
    // Which one it is follows from key and signature: no other accepts it.
    let verified = ALGORITHMS
        .iter()
        .any(|algorithm| key.verify_signature(*algorithm, &bytes, signature).is_ok());
    if verified {
        return Ok(());
    }
    Err(TimestampError::Signature(
        "no algorithm accepts it with the key of its certificate".to_owned(),
    ))
}

fn require_time_stamping(certificate: &CertificateDer<'_>) -> Result<(), TimestampError> {
    let read = Certificate::from_der(certificate)?;
    let purposes: Option<(bool, ExtendedKeyUsage)> = read.tbs_certificate.get()?;
    match purposes {
        Some((true, ExtendedKeyUsage(purposes))) if purposes == [TIME_STAMPING] => Ok(()),
        _ => Err(TimestampError::Certificate(
            "it is not for timestamping and nothing else".to_owned(),
        )),
    }
}

fn digest_of(algorithm: ObjectIdentifier, bytes: &[u8]) -> Result<digest::Digest, TimestampError> {
    let algorithm = match algorithm {
        asn1::SHA_1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        asn1::SHA_256 => &digest::SHA256,
        asn1::SHA_384 => &digest::SHA384,
        asn1::SHA_512 => &digest::SHA512,
        other => return Err(malformed(&format!("digest {other} is not known"))),
    };
    Ok(digest::digest(algorithm, bytes))
}
