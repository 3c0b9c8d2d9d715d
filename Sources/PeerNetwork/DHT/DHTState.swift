import Cryptography
public import DHT
import FoundationEssentials
import Wire

/// What a node writes down of the DHT, as bytes that the caller stores.
public enum DHTState {
  /// Why written-down bytes can't be read.
  public enum DecodeError: Error, Equatable, Sendable {
    /// Not what was written, or longer than anything that is.
    case malformed
  }

  /// The most bytes that are read back.
  public static let limit = 256 << 20

  /// Contacts as bytes.
  public static func encode(contacts: [Contact]) -> [UInt8] {
    var out = Larder_SavedContacts()
    out.contacts = contacts.map(DHTCodec.encode)
    return ProtobufCodec.encode(out)
  }

  /// The contacts in such bytes.
  public static func contacts(from bytes: [UInt8]) throws(DecodeError) -> [Contact] {
    guard
      let raw = try? ProtobufCodec.decode(Larder_SavedContacts.self, from: bytes, limit: 1 << 20)
    else { throw .malformed }
    var contacts: [Contact] = []
    for one in raw.contacts {
      do {
        if let contact = try DHTCodec.contact(one) { contacts.append(contact) }
      } catch {
        throw .malformed
      }
    }
    return contacts
  }

  /// What is published, as bytes.
  public static func encode(publisher: Publisher) -> [UInt8] {
    var out = Larder_PublisherState()
    out.items = publisher.items.map { item in
      var raw = Larder_PublishedItem()
      raw.key = Data(item.key.bytes)
      raw.due = item.due.seconds
      raw.storedOn = UInt32(clamping: item.storedOn)
      if case .statement(let record) = item.content {
        raw.statement = Data(record.bytes)
        raw.publisher = Data(record.publisher.bytes.bytes)
        raw.slot = Data(record.slot.bytes)
        raw.sequence = record.sequence
        raw.expires = record.expires.seconds
      }
      return raw
    }
    return ProtobufCodec.encode(out)
  }

  /// What was published when such bytes were written.
  public static func publisher(from bytes: [UInt8]) throws(DecodeError) -> Publisher {
    guard
      let raw = try? ProtobufCodec.decode(Larder_PublisherState.self, from: bytes, limit: limit)
    else { throw .malformed }
    var items: [Publisher.Item] = []
    items.reserveCapacity(raw.items.count)
    for one in raw.items {
      guard let key = Bytes32(one.key) else { throw .malformed }
      items.append(
        Publisher.Item(
          key: key, content: try content(of: one, key: key), due: Timestamp(one.due),
          storedOn: Int(one.storedOn)))
    }
    return Publisher(items: items)
  }

  private static func content(
    of raw: Larder_PublishedItem, key: Bytes32
  ) throws(DecodeError) -> Publisher.Content {
    guard !raw.statement.isEmpty else { return .announcement }
    guard raw.statement.count <= Limits.record, let publisher = PublicKey(raw.publisher),
      let slot = Bytes32(raw.slot)
    else { throw .malformed }
    return .statement(
      Record(
        key: key, kind: .statement, publisher: publisher, slot: slot, sequence: raw.sequence,
        expires: Timestamp(raw.expires), bytes: [UInt8](raw.statement)))
  }
}
