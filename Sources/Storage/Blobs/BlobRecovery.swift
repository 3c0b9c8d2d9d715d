import Cryptography
import Transfer

/// Brings a store's directory in order at the start, after whatever ended the last run.
///
/// A crash leaves, at any moment, at worst: a temporary file (`.new`, `.import`), a map without its
/// blob or the other way round, a sidecar without its blob, a map of a blob that is complete.
/// All of those go; complete blobs and sound unfinished ones stay.
struct BlobRecovery {
  let paths: BlobPaths
  let files: FileSystem

  func run(into state: inout DirectoryBlobStore.State) throws -> DirectoryBlobStore.Recovery {
    var recovery = DirectoryBlobStore.Recovery()
    try files.makeDirectory(paths.blobs)
    try files.makeDirectory(paths.partials)
    for shelf in try files.names(in: paths.blobs) where shelf.utf8.count == 2 {
      try scanShelf(paths.blobs + "/" + shelf, into: &state, &recovery)
    }
    try scanPartials(complete: state.blobs, &recovery)
    return recovery
  }

  private func scanShelf(
    _ shelf: String, into state: inout DirectoryBlobStore.State,
    _ recovery: inout DirectoryBlobStore.Recovery
  ) throws {
    let names = Set(try files.names(in: shelf))
    for name in names.sorted() {
      let path = shelf + "/" + name
      if let root = ContentRoot(hex: name) {
        guard paths.blob(root) == path, let size = files.size(of: path),
          let layout = BlockLayout(size: size)
        else {
          try remove(path, &recovery)
          continue
        }
        state.blobs[root] = size
        recovery.blobs += 1
        recovery.bytes += size
        // What the sidecar says is checked when it is first used; here only that it is whole.
        if LayersFile.isNeeded(size: size),
          files.size(of: path + ".layers") != UInt64(layout.blockCount) * 32
        {
          try rebuild(root, path, size, into: &state, &recovery)
        }
      } else if name.hasSuffix(".new") || isOrphan(name, ".layers", among: names) {
        try remove(path, &recovery)
      }
    }
  }

  /// Makes a sidecar from its blob; a blob with another root is removed.
  private func rebuild(
    _ root: ContentRoot, _ path: String, _ size: UInt64,
    into state: inout DirectoryBlobStore.State, _ recovery: inout DirectoryBlobStore.Recovery
  ) throws {
    var hasher = MerkleHasher()
    try files.open(path).readAll { hasher.update(buffer: $0) }
    if let made = hasher.finalize(), made.root == root {
      try LayersFile.write(made.layers, to: paths.layers(root), on: files)
      recovery.rebuilt += 1
    } else {
      try remove(path, &recovery)
      state.blobs[root] = nil
      recovery.blobs -= 1
      recovery.bytes -= size
    }
  }

  private func scanPartials(
    complete: [ContentRoot: UInt64], _ recovery: inout DirectoryBlobStore.Recovery
  ) throws {
    let names = Set(try files.names(in: paths.partials))
    for name in names.sorted() {
      let path = paths.partials + "/" + name
      if let root = ContentRoot(hex: name) {
        let isSound =
          try names.contains(name + ".map")
          && PartialMap.open(path + ".map", on: files) != nil
        if complete[root] == nil, isSound {
          recovery.partials += 1
          continue
        }
        try remove(path, &recovery)
        try files.unlink(path + ".map")
      } else if !name.hasSuffix(".map") || isOrphan(name, ".map", among: names) {
        try remove(path, &recovery)
      }
    }
  }

  private func isOrphan(_ name: String, _ suffix: String, among names: Set<String>) -> Bool {
    name.hasSuffix(suffix) && !names.contains(String(name.dropLast(suffix.count)))
  }

  private func remove(_ path: String, _ recovery: inout DirectoryBlobStore.Recovery) throws {
    try files.unlink(path)
    recovery.removed += 1
  }
}
