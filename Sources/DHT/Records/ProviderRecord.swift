public import Cryptography
import FoundationEssentials
public import Wire

/// One node's signed word that it has a blob and where it serves it.
public struct ProviderRecord: Sendable, Hashable {
  /// The blob.
  public let root: ContentRoot
  /// The node that has it, and that signed.
  public let node: PublicKey
  /// Where it serves, 1 to `Limits.addressesPerProvider` addresses of its transfer port.
  public let addresses: [Address]
  /// Whether it is always on.
  public let role: NodeRole
  /// Relays that have a way to it, at most `relayLimit`; with any, others don't reach it themselves.
  public let relays: [Contact]
  /// When it was signed.
  public let created: Timestamp
  /// When it ends, at most `Limits.providerLife` after it was signed.
  public let expires: Timestamp
  /// The signed envelope.
  public let encoded: [UInt8]

  /// The most relays of one announcement.
  public static let relayLimit = 2

  /// Signs an announcement; throws `.malformed` for no or too many addresses or too many relays, and
  /// `.lifeTooLong`.
  public init(
    root: ContentRoot, addresses: [Address], role: NodeRole, relays: [Contact] = [],
    created: Timestamp, life: Duration = Limits.providerLife, with key: SigningKey
  ) throws(RecordRejection) {
    guard (1...Limits.addressesPerProvider).contains(addresses.count),
      relays.count <= Self.relayLimit
    else { throw .malformed }
    guard life > .zero, life <= Limits.providerLife else { throw .lifeTooLong }
    let expires = created + life
    var body = Larder_ProviderBody()
    body.version = 1
    body.contentRoot = Data(root.bytes.bytes)
    body.addresses = addresses.map { Data($0.compact) }
    body.seeder = role == .seeder
    body.created = created.seconds
    body.expires = expires.seconds
    body.relays = relays.map { Data($0.key.bytes.bytes + $0.address.compact) }
    do {
      encoded = try SignedRecord(
        signing: ProtobufCodec.encode(body), kind: .provider, with: key
      ).encoded
    } catch {
      throw .malformed
    }
    self.root = root
    node = key.publicKey
    self.addresses = addresses
    self.role = role
    self.relays = relays
    self.created = created
    self.expires = expires
  }

  /// The announcement in an envelope, its bounds, signature and times checked against `now`.
  public init(verifying bytes: [UInt8], now: Timestamp) throws(RecordRejection) {
    let envelope: SignedRecord
    do {
      envelope = try SignedRecord(verifying: bytes)
    } catch {
      switch error {
      case .badSignature: throw .badSignature
      case .malformed, .tooLarge: throw .malformed
      }
    }
    guard envelope.kind == .provider,
      let body = try? ProtobufCodec.decode(
        Larder_ProviderBody.self, from: envelope.body, limit: Limits.record),
      body.version == 1, let root = Bytes32(body.contentRoot),
      (1...Limits.addressesPerProvider).contains(body.addresses.count),
      body.relays.count <= Self.relayLimit
    else { throw .malformed }
    var addresses: [Address] = []
    for compact in body.addresses {
      guard let address = Address(compact: compact), address.ip.isUnicast else {
        throw .malformed
      }
      addresses.append(address)
    }
    var relays: [Contact] = []
    for bytes in body.relays {
      guard let key = Bytes32(bytes.prefix(32)),
        let address = Address(compact: bytes.dropFirst(32)), address.ip.isUnicast
      else { throw .malformed }
      relays.append(Contact(key: PublicKey(key), address: address))
    }
    self.relays = relays
    let created = Timestamp(body.created)
    let expires = Timestamp(body.expires)
    guard created <= now + Limits.clockSkew else { throw .futureDated }
    guard expires > now else { throw .expired }
    guard expires > created, expires - created <= Limits.providerLife else { throw .lifeTooLong }
    self.root = ContentRoot(root)
    node = envelope.signer
    self.addresses = addresses
    role = body.seeder ? .seeder : .desktop
    self.created = created
    self.expires = expires
    encoded = bytes
  }

  /// The announcement as the DHT keeps it: one a node and blob, the one created last.
  public var record: Record {
    Record(
      key: root.bytes, kind: .provider, publisher: node, slot: node.bytes,
      sequence: UInt64(clamping: created.seconds), expires: expires, bytes: encoded)
  }
}
