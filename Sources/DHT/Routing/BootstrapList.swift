public import Cryptography
import Wire

/// A node through which the network is entered.
public struct BootstrapPeer: Sendable, Hashable {
  /// Its node key.
  public let key: PublicKey
  /// Its host name or IP address.
  public let host: String
  /// Its UDP port.
  public let port: UInt16

  /// The node with this key at that host and port.
  public init(key: PublicKey, host: String, port: UInt16) {
    self.key = key
    self.host = host
    self.port = port
  }
}

/// The text of bootstrap-peers.txt: a line `<node key> <host>:<port>` a peer, `#` begins a comment.
public struct BootstrapList: Sendable, Equatable {
  /// What is wrong with a line.
  public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The line, from 1.
    public let line: Int
    /// What was expected there.
    public let reason: Reason

    /// Why a line can't be read.
    public enum Reason: Equatable, Sendable {
      /// Not exactly a key and an address.
      case notTwoFields
      /// The key is not 64 hexadecimal digits.
      case badKey
      /// The address is not a host (IPv6 in brackets) and a port from 1 to 65535.
      case badAddress
      /// More than `BootstrapList.limit` peers.
      case tooMany
    }

    /// The line and a sentence for people.
    public var description: String {
      let text =
        switch reason {
        case .notTwoFields: "expected a node key and a host:port"
        case .badKey: "the node key must be 64 hexadecimal digits"
        case .badAddress: "the address must be host:port or [IPv6]:port, the port 1 to 65535"
        case .tooMany: "more than \(BootstrapList.limit) peers"
        }
      return "line \(line): \(text)"
    }
  }

  /// More peers than anybody needs to enter a network.
  public static let limit = 1_000

  /// The peers, in the order of the lines.
  public let peers: [BootstrapPeer]

  /// The peers of such a text; throws the first line that can't be read.
  public init(parsing text: String) throws(ParseError) {
    var peers: [BootstrapPeer] = []
    var number = 0
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let content = line.prefix { $0 != "#" }
      let fields = content.split(whereSeparator: \.isWhitespace)
      guard !fields.isEmpty else { continue }
      guard fields.count == 2 else { throw ParseError(line: number, reason: .notTwoFields) }
      guard let key = Bytes32(hex: fields[0]) else {
        throw ParseError(line: number, reason: .badKey)
      }
      guard let (host, port) = Self.endpoint(fields[1]) else {
        throw ParseError(line: number, reason: .badAddress)
      }
      guard peers.count < Self.limit else { throw ParseError(line: number, reason: .tooMany) }
      peers.append(BootstrapPeer(key: PublicKey(key), host: host, port: port))
    }
    self.peers = peers
  }

  private static func endpoint(_ text: Substring) -> (host: String, port: UInt16)? {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
      port != 0
    else { return nil }
    var host = text[..<colon]
    if host.first == "[" {
      guard host.last == "]" else { return nil }
      host = host.dropFirst().dropLast()
      guard let ip = IPAddress(String(host)), case .v6 = ip else { return nil }
      return (String(host), port)
    }
    guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isHostByte) else {
      return nil
    }
    return (String(host), port)
  }

  /// Letters, digits, hyphen, dot and the underscore that some networks have.
  private static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
