import Cryptography
import Wire

/// The keys agreed with peers and the cookies they gave us, bounded, so that no flood of keys costs
/// more than its budget in time or memory.
struct DatagramSessions: Sendable {
  /// What is kept of a peer.
  struct Peer: Sendable {
    let session: DatagramBox.Session
    /// Proves our address to the peer; belongs to the peer's address that gave it.
    var cookie: [UInt8]?
    var cookieAddress: Address?
    /// When it came.
    var cookieAt = Instant.zero
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
    /// Strangers have had their key agreements of this second.
    case overBudget
  }

  /// Peers in two generations: when the younger is full the elder is forgotten, so that the peers
  /// in use stay at no cost.
  private struct Cache: Sendable {
    private var young: [PublicKey: Peer] = [:]
    private var old: [PublicKey: Peer] = [:]
    private let half: Int

    init(capacity: Int) {
      half = max(1, capacity / 2)
    }

    var count: Int { young.count + old.count }

    subscript(key: PublicKey) -> Peer? {
      mutating get {
        if let peer = young[key] { return peer }
        guard let peer = old.removeValue(forKey: key) else { return nil }
        insert(peer, for: key)
        return peer
      }
      set {
        old[key] = nil
        if let newValue { insert(newValue, for: key) } else { young[key] = nil }
      }
    }

    private mutating func insert(_ peer: Peer, for key: PublicKey) {
      if young.count >= half, young[key] == nil {
        old = young
        young = [:]
      }
      young[key] = peer
    }
  }

  private let box: DatagramBox
  private let own: PublicKey
  private let cookies: AddressCookie
  /// Peers that proved their address, or that we wrote to.
  private var known: Cache
  /// Others, apart, so that a flood of them forgets nobody else.
  private var strangers: Cache
  private var tokens: Double
  private var filled = Instant.zero
  private let rate: Double
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
    rate = Double(strangersPerSecond)
    tokens = rate
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
      if isProven, known[header.sender] == nil { known[header.sender] = peer }
      return Opened(sender: header.sender, message: message, isProven: isProven)
    } catch {
      throw .forged
    }
  }

  /// Seals a message for a peer; nil if no key can be agreed with its key.
  mutating func seal(_ message: [UInt8], to key: PublicKey, at address: Address) -> [UInt8]? {
    guard message.count <= DatagramBox.capacity else { return nil }
    let peer: Peer
    if let kept = known[key] ?? strangers[key] {
      peer = kept
    } else {
      guard let session = try? box.agree(with: key) else { return nil }
      peer = Peer(session: session, cookie: nil, cookieAddress: nil)
      known[key] = peer
    }
    let cookie = peer.cookieAddress == address ? peer.cookie : nil
    return box.seal(message, cookie: cookie ?? AddressCookie.none, with: peer.session)
  }

  /// How long a cookie certainly is valid after it came: an epoch, less the way there and back.
  private static let cookieLife = Duration.seconds(290)

  /// Whether we have a cookie to show to a peer there that is still valid.
  ///
  /// An older one may be valid too and is shown, but nobody may rely on it: a request that wants a
  /// long reply is padded as if there were none.
  mutating func hasCookie(for key: PublicKey, at address: Address, now: Instant) -> Bool {
    guard let peer = known[key] ?? strangers[key] else { return false }
    return peer.cookie != nil && peer.cookieAddress == address
      && now - peer.cookieAt < Self.cookieLife
  }

  /// Keeps the cookie that a reply brought from a peer that we wrote to.
  mutating func keep(_ cookie: [UInt8], from key: PublicKey, at address: Address, now: Instant) {
    guard var peer = known[key] else { return }
    peer.cookie = cookie
    peer.cookieAt = now
    peer.cookieAddress = address
    known[key] = peer
  }

  /// The cookie that a reply brings to its receiver.
  func cookie(for key: PublicKey, at address: Address, now: Instant) -> [UInt8] {
    cookies.make(for: key, at: address, now: now)
  }

  private mutating func peer(
    _ key: PublicKey, isProven: Bool, now: Instant
  ) throws(Refusal) -> Peer {
    if let peer = known[key] ?? strangers[key] { return peer }
    if !isProven {
      refill(now)
      guard tokens >= 1 else { throw .overBudget }
      tokens -= 1
    }
    let peer: Peer
    do {
      peer = Peer(session: try box.agree(with: key), cookie: nil, cookieAddress: nil)
    } catch {
      throw .malformed(error)
    }
    strangers[key] = peer
    return peer
  }

  private mutating func refill(_ now: Instant) {
    guard now > filled else { return }
    tokens = min(rate, tokens + (now - filled).inSeconds * rate)
    filled = now
  }
}
