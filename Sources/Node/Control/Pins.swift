import Cryptography
import Portage
import Storage

/// Blobs that the owner wants kept whatever the quota says.
struct Pins: Sendable {
  let catalog: Catalog

  /// Pins or releases the blobs of these packages, whether listed or built here; a line for each.
  func set(_ isPinned: Bool, _ packages: [String]) async throws -> [String] {
    let listings = try await catalog.listings()
    var lines: [String] = []
    for package in packages {
      var roots = Set(try await catalog.ownBuilds(of: package).map(\.root))
      for listing in listings where PrintedEntry(lines: listing.entry)["CPV"] == package {
        roots.insert(listing.root)
      }
      var done = 0
      for root in roots.sorted() where try await catalog.setPinned(isPinned, root) { done += 1 }
      let word = isPinned ? "pinned" : "released"
      lines.append(
        done > 0
          ? "\(package): \(word), \(done) \(done == 1 ? "file" : "files")"
          : "\(package): no file of it is here; write CATEGORY/NAME-VERSION, "
            + "as 'larder plan' shows it")
    }
    return lines
  }
}
