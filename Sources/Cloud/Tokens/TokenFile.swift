import FoundationEssentials
import Glibc

/// The token table as a JSON file of mode 0600, written by `larder cloud token` and read by the
/// gateway at each request that comes after a change.
public actor TokenFile {
  private let path: String
  private var cached = TokenTable()
  private var stamp: Date?

  /// The file at `path`, which may not exist yet.
  public init(path: String) {
    self.path = path
  }

  /// Why the file can't be used.
  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// It can't be read or written, or holds no token table.
    case unusable(String, String)

    /// One line for the user.
    public var description: String {
      switch self {
      case .unusable(let path, let reason): "the token file \(path) is unusable: \(reason)"
      }
    }
  }

  /// The tokens as they are in the file now; none if there is no file.
  public func table() throws(Failure) -> TokenTable {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard let attributes else { return TokenTable() }
    let changed = attributes[.modificationDate] as? Date
    if let changed, changed == stamp { return cached }
    do {
      let text = try Data(contentsOf: URL(filePath: path))
      guard text.count <= 4 << 20 else { throw Failure.unusable(path, "longer than 4 MiB") }
      cached = try JSONDecoder().decode(TokenTable.self, from: text)
      stamp = changed
      return cached
    } catch let failure as Failure {
      throw failure
    } catch {
      throw .unusable(path, "\(error)")
    }
  }

  /// Changes the table and replaces the file atomically.
  public func change(_ body: (inout TokenTable) throws -> Void) throws {
    stamp = nil
    var table = try table()
    try body(&table)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    let temporary = path + ".new"
    do {
      try? FileManager.default.removeItem(atPath: temporary)
      let text = try encoder.encode(table)
      guard
        FileManager.default.createFile(
          atPath: temporary, contents: text, attributes: [.posixPermissions: 0o600])
      else { throw Failure.unusable(path, "can't be written") }
      guard rename(temporary, path) == 0 else { throw Failure.unusable(path, "can't be replaced") }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure.unusable(path, "\(error)")
    }
    stamp = nil
  }
}
