import Builder
import Trust

/// The JSON of the gateway's API, version 1.
enum Messages {
  /// `POST /v1/requests`
  struct Submit: Codable, Sendable {
    /// The request's name, chosen by the asker so that a repeated call is the same request.
    var group: String
    var priority: Int?
    var packages: [PackageFacts]
  }

  /// The answer to `POST /v1/requests` and `GET /v1/requests/{group}`.
  struct Submitted: Codable, Sendable {
    var group: String
    var packages: [PackageStatus]
  }

  /// `POST /v1/leases`
  struct AskForWork: Codable, Sendable {
    var offer: WorkerOffer
    var seconds: Int
  }

  /// `POST /v1/leases/{fingerprint}/{fence}/heartbeat`
  struct Heartbeat: Codable, Sendable {
    var lines: [String]
  }

  /// The answer to a heartbeat.
  struct Order: Codable, Sendable {
    var order: WorkerOrder
    var until: Int64
  }

  /// `POST /v1/leases/{fingerprint}/{fence}/complete`
  struct Complete: Codable, Sendable {
    /// What the worker's Portage says of the finished package.
    var built: PackageFacts
  }

  /// `POST /v1/leases/{fingerprint}/{fence}/fail`
  struct Fail: Codable, Sendable {
    var message: String
    var lines: [String]
  }

  /// What every error status carries.
  struct Failure: Codable, Sendable {
    struct Content: Codable, Sendable {
      var kind: String
      var message: String
    }
    var error: Content
  }

  /// The data of a `log` event.
  struct Log: Codable, Sendable {
    var fingerprint: Fingerprint
    /// The number of the first of the lines.
    var first: UInt64
    var lines: [String]
  }

  /// How many packages one request may name.
  static let packagesPerRequest = 500
  /// The largest body of a request, in bytes: facts of 500 packages are around 4 MiB.
  static let submitLimit = 16 << 20
  /// The largest body of any other call, in bytes.
  static let bodyLimit = 2 << 20

  /// Whether this may name a group: 8 to 64 letters, digits, hyphens.
  static func isGroup(_ name: String) -> Bool {
    (8...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
          || byte == 0x2D
      }
  }
}
