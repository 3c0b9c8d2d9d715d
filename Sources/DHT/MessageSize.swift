import Wire

/// Upper bounds on encoded sizes in bytes, by which the machine fills a datagram without encoding.
enum MessageSize {
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
}
