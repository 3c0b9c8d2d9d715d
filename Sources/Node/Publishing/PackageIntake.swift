import Cryptography
import Storage
import Trust
import Wire

/// Takes a described package into the blob store, if every rule of publishing allows it.
///
/// A file can be replaced between its description and its import, so the rules look at the store's
/// own copy, and only if it is the file that was described. What is refused leaves nothing in the
/// store: what lies there may be served.
struct PackageIntake: Sendable {
  /// Why a package was not taken in.
  enum Objection: Error, Equatable, CustomStringConvertible {
    /// The helper said nothing of the file itself.
    case undescribed
    /// It is no package that can be read.
    case unreadable(String)
    /// It breaks these rules.
    case refused([Refusal])

    var description: String {
      switch self {
      case .undescribed: "its description lacks the file's size and MD5"
      case .unreadable(let reason): "not a usable gpkg: \(reason)"
      case .refused(let refusals): refusals.first?.message ?? "refused"
      }
    }
  }

  /// What `larder-portage describe` said.
  let facts: PackageFacts
  let policy: PublishingRules.Policy
  let origin: PublishingRules.Origin

  /// The blob and what it says of itself; throws `Objection`, or what the store throws.
  func take(
    _ path: String, into store: DirectoryBlobStore
  ) async throws -> (ImportedBlob, GpkgDescription) {
    // Most files that may not be published are told from their description: they are not copied.
    let early = PublishingRules.refusals(described: facts, policy: policy, origin: origin)
    guard early.isEmpty else { throw Objection.refused(early) }
    guard let file = facts.gpkg else { throw Objection.undescribed }
    return try await store.importFile(path, by: .copy) { copy, blob in
      guard Self.isDescribed(blob, by: file) else { throw Objection.refused([.fileChanged]) }
      let description: GpkgDescription
      do {
        description = try GpkgInspector.inspect(path: copy)
      } catch {
        throw Objection.unreadable("\(error)")
      }
      let refusals = PublishingRules.refusals(
        of: facts, description: description, policy: policy, origin: origin)
      guard refusals.isEmpty else { throw Objection.refused(refusals) }
      return description
    }
  }

  /// Whether the bytes are those that the helper described.
  static func isDescribed(_ blob: ImportedBlob, by file: PackageFacts.BuiltFile) -> Bool {
    blob.size == file.size && blob.md5.hex == file.md5.lowercased()
  }
}
