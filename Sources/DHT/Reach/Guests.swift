import Cryptography
import Wire

/// Clients that keep a way to them open through us, by writing to us again and again.
///
/// Only they are told of somebody who wants to reach them, at the address that their cookie proves.
struct Guests: Sendable {
  private struct Guest: Sendable {
    let contact: Contact
    let at: Instant
  }

  private var guests: [PublicKey: Guest] = [:]
  /// A client writes each half minute; two lost datagrams end it.
  private static let life = Duration.seconds(100)
  private static let limit = 256
  /// From one address: a household, or a carrier's NAT.
  private static let limitOfAddress = 16

  /// The clients that are kept.
  var count: Int { guests.count }

  /// Notes that a client wrote with a valid cookie.
  mutating func add(_ contact: Contact, now: Instant) {
    if guests[contact.key] == nil {
      if guests.count >= Self.limit {
        guests = guests.filter { now - $0.value.at < Self.life }
        guard guests.count < Self.limit else { return }
      }
      let neighbours = guests.values.count { $0.contact.address.ip == contact.address.ip }
      guard neighbours < Self.limitOfAddress else { return }
    }
    guests[contact.key] = Guest(contact: contact, at: now)
  }

  /// Where the client with this key can be told something; nil if it has not written lately.
  func contact(of key: PublicKey, now: Instant) -> Contact? {
    guard let guest = guests[key], now - guest.at < Self.life else { return nil }
    return guest.contact
  }
}
