//! What a 3.1.1 client may be sent.
//!
//! The library (mqtt5 0.49) writes some MQTT 5 packets to 3.1.1 clients: DISCONNECT when a
//! session is taken over (`client_handler/mod.rs`, `send_taken_over`) or the receive maximum is
//! exceeded, PUBCOMP with reason 0x92 for an unknown packet id, PUBACK and PUBREC with a refusal.
//! Each is malformed there. Every packet to such a client goes through [`conform`].

use std::io;

/// Copies the whole packets in `bytes` to `out`, in the form that MQTT 3.1.1 knows.
///
/// - DISCONNECT and AUTH do not exist from server to client: left out; the close that follows
///   says the same.
/// - PUBCOMP and PUBREL lose their reason and properties: 3.1.1 always completes.
/// - PUBACK and PUBREC with a success lose them too.
///
/// # Errors
/// `ConnectionAborted` for a PUBACK or PUBREC that refuses: shortened it would say that the
/// message was taken, so the connection ends without it instead.
pub(super) fn conform(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut rest = bytes;
    while let Some((packet, body, after)) = split_packet(rest) {
        conform_packet(packet, body, out)?;
        rest = after;
    }
    out.extend_from_slice(rest);
    Ok(())
}

fn conform_packet(packet: &[u8], body: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    match packet[0] >> 4 {
        14 | 15 => {}
        4..=7 if body.len() > 2 => {
            if matches!(packet[0] >> 4, 4 | 5) && body[2] >= 0x80 {
                return Err(io::Error::new(
                    io::ErrorKind::ConnectionAborted,
                    "a refusal that MQTT 3.1.1 cannot express",
                ));
            }
            out.extend_from_slice(&[packet[0], 2, body[0], body[1]]);
        }
        _ => out.extend_from_slice(packet),
    }
    Ok(())
}

/// Splits the first packet off: (packet, its body, the rest), or nothing if it is not whole.
fn split_packet(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut length = 0usize;
    for (place, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            let (head, end) = (place + 2, place + 2 + length);
            return (bytes.len() >= end).then(|| (&bytes[..end], &bytes[head..end], &bytes[end..]));
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn conformed(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        conform(bytes, &mut out).unwrap();
        out
    }

    #[test]
    fn a_disconnect_is_left_out_and_its_neighbours_stay() {
        let bytes = [0x40, 2, 0, 7, 0xE0, 2, 0x8E, 0, 0xD0, 0];
        assert_eq!(conformed(&bytes), [0x40, 2, 0, 7, 0xD0, 0]);
    }

    #[test]
    fn a_pubcomp_for_an_unknown_packet_id_is_a_plain_pubcomp() {
        assert_eq!(conformed(&[0x70, 3, 1, 2, 0x92]), [0x70, 2, 1, 2]);
    }

    #[test]
    fn a_puback_with_a_success_and_properties_is_a_plain_puback() {
        assert_eq!(conformed(&[0x40, 4, 1, 2, 0x10, 0]), [0x40, 2, 1, 2]);
    }

    #[test]
    fn a_refusing_puback_ends_the_connection_instead_of_acknowledging() {
        for packet in [0x40, 0x50] {
            let error = conform(&[packet, 4, 0, 1, 0x87, 0], &mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        }
    }

    #[test]
    fn a_long_publish_passes_unchanged() {
        let mut bytes = vec![0x32, 0xC8, 0x01];
        bytes.extend((0u8..=199).collect::<Vec<_>>());
        bytes.extend([0x40, 2, 0, 1]);
        assert_eq!(conformed(&bytes), bytes);
    }
}
