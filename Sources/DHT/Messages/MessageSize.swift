import Cryptography
import Wire

/// Upper bounds on encoded sizes in bytes, by which the machine fills a datagram without encoding.
package enum MessageSize {
  /// Tag, length and the cookie that the driver adds to every reply.
  static let cookie = 19
  /// Transaction, client flag, tag and length of the body.
  static let envelope = 11 + 2 + 4
  /// Tag and length of an observed address.
  static let observed = 20
  /// Tag and value of the GET reply's cursor.
  static let cursor = 11

  static func record(_ bytes: [UInt8]) -> Int { bytes.count + 3 }

  /// What a record of a STORE takes beside its bytes: tags, lengths, its kind.
  static let storedOverhead = 8

  /// Tag and length, the key, the compact address.
  static func contact(_ contact: Contact) -> Int {
    switch contact.address.ip {
    case .v4: 2 + 34 + 8
    case .v6: 2 + 34 + 20
    }
  }

  /// How long a request without a cookie is made, in bytes of its message, so that the reply it wants
  /// is no longer than the request.
  package static func paddedLength(_ body: Message.Body) -> Int {
    switch body {
    case .find: 900 - DatagramBox.overhead
    case .get: DatagramBox.capacity
    // A PONG or PUNCHING over IPv6: transaction 11, client 2, tag and length 2, observed 20, cookie 19.
    case .ping, .reach, .punch: 56
    case .have: 512
    default: 0
    }
  }

  /// About the bytes that a message takes on the network, with the headers of IP and UDP; a request
  /// without a cookie is padded, a reply brings one.
  package static func datagram(_ message: Message, hasCookie: Bool) -> Int {
    var size = 11 + (message.isClient ? 2 : 0) + 3 + body(message.body)
    if message.isRequest {
      if !hasCookie { size = max(size, paddedLength(message.body)) }
    } else {
      size += cookie
    }
    return size + DatagramBox.overhead + 28
  }

  private static func body(_ body: Message.Body) -> Int {
    switch body {
    case .ping, .refused, .reaching: return 2
    case .reach(let target, _): return 4 + (target.map(contact) ?? 0)
    case .punch(let wish): return 2 + 34 + 4 + (wish.address == nil ? 0 : 8)
    case .find(let keys): return 34 * keys.count
    case .get(let request): return 34 * request.keys.count + 10 * request.issuers.count + 4
    case .store(let records):
      return records.reduce(0) { $0 + $1.bytes.count + storedOverhead }
    case .have(let digests): return 8 * digests.count + 3
    case .pong, .punching: return 8
    case .found(let contacts, _): return contacts.reduce(8) { $0 + contact($1) }
    case .got(let reply):
      let records = reply.records.reduce(3) { $0 + record($1) }
      return reply.contacts.reduce(records) { $0 + contact($1) }
    case .stored(let results): return results.count + 2
    case .lacking(let places): return places.count + 2
    }
  }
}
