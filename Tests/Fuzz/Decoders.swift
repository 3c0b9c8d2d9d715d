import Cryptography
import DHT
import FoundationEssentials
import Glibc
import NIOCore
import Portage
import Transfer
import Wire

@testable import Binhost
@testable import Cloud
@testable import Node
@testable import PeerNetwork
@testable import Trust

/// Every decoder of bytes that somebody else may have written.
///
/// What a decoder accepts must survive being written and read again, where there is a writer.
enum Decoders {
  static let targets: [String: FuzzTarget] = [
    "datagram": datagram, "message": message, "frames": frames, "records": records,
    "state": state, "index": index, "gpkg": gpkg, "contents": contents, "words": words,
    "yaml": yaml, "control": control, "http": http, "minisign": minisign, "facts": facts,
    "beacon": beacon,
  ]

  private static let sender = Address(ip: .v4(0x7F00_0001), port: 7_782)

  /// A sealed datagram on its way in: nobody guesses a tag, so this covers the header and the budget.
  private static let datagram: FuzzTarget = { bytes in
    guard let key = SigningKey(seed: [UInt8](repeating: 2, count: 32)) else { return }
    var sessions = DatagramSessions(
      identity: key, network: "vectors", capacity: 8, strangersPerSecond: 1_000)
    if let opened = try? sessions.open(bytes, from: sender, now: .zero) { message(opened.message) }
    precondition(sessions.count <= 10)
  }

  private static let beacon: FuzzTarget = { bytes in
    guard let key = SigningKey(seed: [UInt8](repeating: 2, count: 32)) else { return }
    var ledger = BeaconLedger(key: key.publicKey, network: "vectors", now: .zero)
    var random = SplitMix64(seed: 1)
    _ = ledger.receive(
      bytes, from: .v4(0x0A00_0001), now: .zero, wall: 1_795_000_000_000, using: &random)
    guard let beacon = try? Beacon(parsing: bytes) else { return }
    // The fields are all that stands before the signature.
    let again = beacon.encoded(network: "vectors", with: key)
    precondition(again.count == bytes.count, "a beacon's length changed on its way")
    precondition(again.dropLast(64) == bytes.dropLast(64), "a beacon changed on its way")
  }

  private static let message: FuzzTarget = { bytes in
    guard let decoded = try? DHTCodec.decode(bytes) else { return }
    let again = DHTCodec.encode(decoded.message, cookie: decoded.cookie)
    precondition((try? DHTCodec.decode(again)) == decoded, "a message changed on its way")
  }

  private static let frames: FuzzTarget = { bytes in
    var decoder = FrameDecoder()
    var rest = bytes[...]
    while rest.count >= decoder.needed {
      let taken = Array(rest.prefix(decoder.needed))
      rest = rest.dropFirst(taken.count)
      guard let event = try? decoder.step(taken) else {
        if taken.isEmpty { return }
        continue
      }
      guard case .frame(let frame) = event else { continue }
      precondition(
        (try? TransferFrame.decode(frame.encoded)) == frame, "a frame changed on its way")
    }
    if let frame = try? TransferFrame.decode(bytes) {
      precondition(
        (try? TransferFrame.decode(frame.encoded)) == frame, "a frame changed on its way")
    }
  }

  private static let records: FuzzTarget = { bytes in
    let now = Timestamp(1_800_000_000)
    _ = try? SignedRecord(verifying: bytes)
    _ = try? ProviderRecord(verifying: bytes, now: now)
    _ = try? SignedStatement(verifying: bytes)
    if let statement = try? BuildStatement(body: bytes) {
      let again = try? BuildStatement(body: statement.encodedBody)
      precondition(again?.encodedBody == statement.encodedBody, "a statement changed on its way")
    }
  }

  private static let state: FuzzTarget = { bytes in
    if let contacts = try? DHTState.contacts(from: bytes) {
      let again = try? DHTState.contacts(from: DHTState.encode(contacts: contacts))
      precondition(again == contacts, "contacts changed on their way")
    }
    _ = try? DHTState.publisher(from: bytes)
    _ = try? BootstrapList(parsing: String(decoding: bytes, as: UTF8.self))
  }

  private static let index: FuzzTarget = { bytes in
    _ = try? PackagesIndex(bytes)
    _ = try? Gzip.unpacked(bytes, limit: 1 << 20)
  }

  private static let gpkg: FuzzTarget = { bytes in
    var path = Array("/tmp/larder-fuzz-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    guard descriptor >= 0 else { return }
    // Nameless, so that nothing is left behind by a finding.
    unlink(path)
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
      }
      guard count > 0 else { return }
      written += count
    }
    _ = try? GpkgInspector.inspect(path: "/proc/self/fd/\(descriptor)")
  }

  private static let contents: FuzzTarget = { bytes in
    _ = try? ELFFacts(bytes)
    _ = BashEnvironment(bytes)
    _ = try? BashEnvironment(bzip2: bytes, limit: 1 << 20)
    _ = try? SonameList(String(decoding: bytes, as: UTF8.self))
  }

  private static let words: FuzzTarget = { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    _ = try? Version(text)
    _ = try? CPV(text)
    _ = try? PackageName(text)
    _ = try? Slot(text)
    _ = try? Atom(text)
    if let tree = try? DependencyTree(text) {
      precondition((try? DependencyTree("\(tree)")) == tree, "a dependency changed on its way")
    }
    _ = try? BinrepoConfiguration(text)
    var history = EmergeHistory()
    history.read(text: text)
  }

  private static let yaml: FuzzTarget = { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    _ = try? Configuration(yaml: text, file: "larder.yaml")
    let file = TrustFile(file: "trust.yaml") { _ in PublicKey(Bytes32(words: (1, 2, 3, 4))) }
    _ = try? file.parse(text)
  }

  private static let control: FuzzTarget = { bytes in
    _ = try? ControlCodec.decode(ControlRequest.self, from: bytes)
    _ = try? ControlCodec.decode(ControlEvent.self, from: bytes)
  }

  private static let http: FuzzTarget = { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    for size: UInt64 in [0, 1, 1 << 40, .max] { _ = ByteRange(text, size: size) }
    if let seconds = HTTPDate.seconds(text) {
      precondition(HTTPDate.seconds(HTTPDate.text(seconds)) == seconds, "a date changed on its way")
    }
    var parser = EventParser()
    for part in stride(from: 0, to: bytes.count, by: 7) {
      guard (try? parser.append(ByteBuffer(bytes: bytes[part...].prefix(7)))) != nil else { return }
    }
  }

  private static let minisign: FuzzTarget = { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    if let key = try? Minisign.parsePublicKey(text) {
      let again = try? Minisign.parsePublicKey(Minisign.publicKeyFile(key))
      precondition(again == key, "a key changed on its way")
    }
    if let key = try? Minisign.parseSecretKey(text) {
      let again = try? Minisign.parseSecretKey(Minisign.secretKeyFile(key))
      precondition(again?.seed == key.seed, "a secret key changed on its way")
    }
    let digest = [UInt8](repeating: 1, count: 64)
    let key = PublicKey(Bytes32(words: (1, 2, 3, 4)))
    precondition((try? Minisign.verify(text, digest: digest, by: key)) != true, "forged")
    // And what we write ourselves is right, whatever the comment.
    guard let own = SigningKey(seed: [UInt8](repeating: 2, count: 32)) else { return }
    let signature = Minisign.signatureFile(digest: digest, by: own, comment: text)
    guard signature.utf8.count <= 16 << 10 else { return }
    precondition((try? Minisign.verify(signature, digest: digest, by: own.publicKey)) == true)
  }

  private static let facts: FuzzTarget = { bytes in
    _ = try? JSONDecoder().decode(HelperReport.self, from: Data(bytes))
  }
}
