import Cryptography
import Wire

/// The keys agreed with peers and the cookies they gave us, bounded, so that no flood of keys costs
/// more than its budget in time or memory.
struct DatagramSessions: Sendable {
  /// What is kept of a peer.
  struct Peer: Sendable {
    let session: DatagramBox.Session
    /// The cookie that came last.
    private var proof: Proof?
    /// Those of other addresses of the same node, the newest first: it may be asked at several at once.
    private var others: [Proof] = []

    init(session: DatagramBox.Session) {
      self.session = session
    }

    /// The addresses of one peer whose cookies are kept.
    static let proofLimit = 4

    /// What proves our address to the peer there.
    func proof(at address: Address) -> Proof? {
      if let proof, proof.address == address { return proof }
      return others.first { $0.address == address }
    }

    /// Keeps a cookie instead of the one that came from the same address before.
    mutating func keep(_ newest: Proof) {
      others.removeAll { $0.address == newest.address }
      if let proof, proof.address != newest.address {
        others.insert(proof, at: 0)
        if others.count >= Self.proofLimit { others.removeLast() }
      }
      proof = newest
    }
  }

  /// A cookie that a peer gave us: it proves our address to the peer.
  struct Proof: Sendable {
    private let cookie: (UInt64, UInt64)
    /// When it came.
    let since: Instant
    /// The peer's address that gave it, and the only one it belongs to.
    let address: Address

    init?(_ cookie: [UInt8], from address: Address, now: Instant) {
      guard cookie.count == AddressCookie.length else { return nil }
      self.cookie = cookie.withUnsafeBytes {
        (
          $0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
      }
      self.address = address
      since = now
    }

    var bytes: [UInt8] { withUnsafeBytes(of: cookie) { Array($0) } }
  }

  /// A datagram that was opened.
  struct Opened: Sendable {
    let sender: PublicKey
    let message: [UInt8]
    /// Whether it showed a valid cookie of ours.
    let isProven: Bool
  }

  /// Why a datagram was not opened.
  enum Refusal: Error, Equatable, Sendable {
    /// It can't be one of ours.
    case malformed(DatagramBox.OpenError)
    /// The tag is wrong.
    case forged
    /// Strangers, or all whom no key was agreed with, have had their key agreements of this second.
    case overBudget
  }

  /// Peers in two generations: when the younger is full the elder is forgotten, so that the peers
  /// in use stay at no cost.
  private struct Cache: Sendable {
    private var young = PeerTable<Peer>()
    private var old = PeerTable<Peer>()
    private let half: Int

    init(capacity: Int) {
      half = max(1, capacity / 2)
    }

    var count: Int { young.count + old.count }

    /// The peer's entry, which is young from now on.
    mutating func find(_ key: PublicKey) -> Peer? {
      if let peer = young[key] { return peer }
      guard let peer = old.remove(key) else { return nil }
      insert(peer, for: key)
      return peer
    }

    mutating func set(_ peer: Peer, for key: PublicKey) {
      _ = old.remove(key)
      insert(peer, for: key)
    }

    mutating func remove(_ key: PublicKey) {
      _ = old.remove(key)
      _ = young.remove(key)
    }

    private mutating func insert(_ peer: Peer, for key: PublicKey) {
      if young.count >= half, young[key] == nil {
        old = young
        young = PeerTable()
      }
      young.set(peer, for: key)
    }
  }

  private let box: DatagramBox
  private let own: PublicKey
  private let cookies: AddressCookie
  /// Peers that proved their address, or that we wrote to.
  private var known: Cache
  /// Others, apart, so that a flood of them forgets nobody else.
  private var strangers: Cache
  /// The key agreements with those who proved no address, and with those who did: cookies for thousands
  /// of keys are cheap to gather.
  private var ofStrangers: AgreementBudget
  private var ofProven: AgreementBudget
  /// Cookies that were shown and are not valid.
  private(set) var cookiesRefused: UInt64 = 0

  init(
    identity: SigningKey, network: String, capacity: Int, strangersPerSecond: Int,
    cookies: AddressCookie = AddressCookie()
  ) {
    box = DatagramBox(key: identity, network: network)
    own = identity.publicKey
    self.cookies = cookies
    known = Cache(capacity: capacity)
    strangers = Cache(capacity: max(2, capacity / 4))
    ofStrangers = AgreementBudget(perSecond: strangersPerSecond)
    ofProven = AgreementBudget(perSecond: 4 * strangersPerSecond)
  }

  /// The peers that are kept, for the status page and its bound.
  var count: Int { known.count + strangers.count }

  /// Opens a datagram: length and version, then the cookie, and only then keys and ciphertext.
  mutating func open(
    _ packet: [UInt8], from address: Address, now: Instant
  ) throws(Refusal) -> Opened {
    let header: DatagramBox.Header
    do {
      header = try DatagramBox.header(of: packet)
    } catch {
      throw .malformed(error)
    }
    guard header.sender != own else { throw .malformed(.badKey) }
    let isProven =
      header.cookie != AddressCookie.none
      && cookies.isValid(header.cookie, for: header.sender, at: address, now: now)
    if !isProven, header.cookie != AddressCookie.none { cookiesRefused += 1 }
    let peer = try peer(header.sender, isProven: isProven, now: now)
    do {
      let message = try box.open(packet, with: peer.session)
      // Only now is the sender known to have the key.
      if isProven, known.find(header.sender) == nil { know(peer, header.sender) }
      return Opened(sender: header.sender, message: message, isProven: isProven)
    } catch {
      throw .forged
    }
  }

  /// Seals a message for a peer; nil if no key can be agreed with its key.
  mutating func seal(_ message: [UInt8], to key: PublicKey, at address: Address) -> [UInt8]? {
    guard message.count <= DatagramBox.capacity else { return nil }
    let peer: Peer
    if let kept = find(key) {
      peer = kept
    } else {
      guard let session = try? box.agree(with: key) else { return nil }
      peer = Peer(session: session)
      known.set(peer, for: key)
    }
    let cookie = peer.proof(at: address)?.bytes
    return box.seal(message, cookie: cookie ?? AddressCookie.none, with: peer.session)
  }

  /// How long a cookie certainly is valid after it came: an epoch, less the way there and back.
  private static let cookieLife = AddressCookie.epoch - .seconds(10)

  /// Whether we have a cookie to show to a peer there that is still valid.
  ///
  /// An older one may be valid too and is shown, but nobody may rely on it: a request that wants a
  /// long reply is padded as if there were none.
  mutating func hasCookie(for key: PublicKey, at address: Address, now: Instant) -> Bool {
    guard let proof = find(key)?.proof(at: address) else { return false }
    return now - proof.since < Self.cookieLife
  }

  /// Keeps the cookie that a reply brought from a peer that we wrote to.
  mutating func keep(_ cookie: [UInt8], from key: PublicKey, at address: Address, now: Instant) {
    guard let proof = Proof(cookie, from: address, now: now), var peer = known.find(key) else {
      return
    }
    peer.keep(proof)
    known.set(peer, for: key)
  }

  /// The cookie that a reply brings to its receiver.
  func cookie(for key: PublicKey, at address: Address, now: Instant) -> [UInt8] {
    cookies.make(for: key, at: address, now: now)
  }

  private mutating func peer(
    _ key: PublicKey, isProven: Bool, now: Instant
  ) throws(Refusal) -> Peer {
    if let peer = find(key) { return peer }
    let isWithin = isProven ? ofProven.take(now: now) : ofStrangers.take(now: now)
    guard isWithin else { throw .overBudget }
    let peer: Peer
    do {
      peer = Peer(session: try box.agree(with: key))
    } catch {
      throw .malformed(error)
    }
    strangers.set(peer, for: key)
    return peer
  }

  private mutating func find(_ key: PublicKey) -> Peer? {
    known.find(key) ?? strangers.find(key)
  }

  /// Keeps a peer for as long as no other is used more.
  private mutating func know(_ peer: Peer, _ key: PublicKey) {
    strangers.remove(key)
    known.set(peer, for: key)
  }
}

/// So many key agreements a second, those of one second at once at most.
private struct AgreementBudget: Sendable {
  private let rate: Double
  private var left: Double
  private var filled = Instant.zero

  init(perSecond: Int) {
    rate = Double(perSecond)
    left = rate
  }

  mutating func take(now: Instant) -> Bool {
    if now > filled {
      left = min(rate, left + (now - filled).inSeconds * rate)
      filled = now
    }
    guard left >= 1 else { return false }
    left -= 1
    return true
  }
}
