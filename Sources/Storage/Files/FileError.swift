import Glibc

/// A file operation that the system refused, with the path and the system's reason.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was tried: `open`, `write`, `sync`, `rename`, …
  public let operation: String
  /// The path that it was tried on.
  public let path: String
  /// The system's error number.
  public let code: Int32

  /// The failure of `operation` on `path` with this error number.
  public init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// Whether the disk, the quota or the file-size limit is exhausted.
  public var isDiskFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

  /// Whether the file is not there.
  public var isMissing: Bool { code == ENOENT }

  /// `cannot write /var/…: No space left on device`.
  public var description: String {
    var text = "cannot \(operation) \(path): \(String(cString: strerror(code)))"
    if isDiskFull { text += " (free some space or lower the quota and run `larder gc`)" }
    return text
  }
}
