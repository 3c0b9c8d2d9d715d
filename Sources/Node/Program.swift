import FoundationEssentials
import Glibc
import Wire

/// What the program is and what its surroundings say.
public enum Program {
  /// The version, by semantic versioning.
  public static let version = "0.1.0"
  /// When that was made: a clock that shows less is wrong.
  static let released = Timestamp(1_795_132_800)

  /// A variable of the environment; nil if unset or empty.
  public static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// A number of bytes for people: `1.5 MiB`.
  public static func size(_ bytes: UInt64) -> String {
    ByteCount(bytes).description
  }

  /// A value as JSON with sorted keys, for `--json`.
  public static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// Why a command could not be started.
  public struct StartError: Error, CustomStringConvertible {
    let command: String
    let code: Int32

    /// What happened and what to do.
    public var description: String {
      "can't run '\(command)': \(String(cString: strerror(code))); is Portage installed, "
        + "and 'portage.emerge' in larder.yaml right?"
    }
  }

  /// Becomes another program, with this one's terminal and signals; returns only on failure.
  public static func replace(with words: [String]) throws -> Never {
    // Both are inherited: libdispatch's threads block signals, and SwiftNIO ignores SIGPIPE. Portage
    // would wait for ever for a SIGCHLD that never comes.
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
    signal(SIGPIPE, SIG_DFL)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    execvp(words[0], arguments)
    throw StartError(command: words[0], code: errno)
  }
}

extension Configuration.Portage {
  /// The words that run emerge with these arguments.
  public func emergeCommand(_ arguments: [String]) -> [String] {
    commandPrefix + [emerge] + arguments
  }
}
