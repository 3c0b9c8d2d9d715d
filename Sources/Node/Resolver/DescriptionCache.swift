import Cryptography
import Trust

/// What the gpkgs of the store say, kept while the daemon runs; the oldest go first at the bound.
struct DescriptionCache {
  private let capacity: Int
  private var entries: [ContentRoot: GpkgDescription] = [:]
  private var order: [ContentRoot] = []

  init(capacity: Int) {
    self.capacity = capacity
  }

  subscript(root: ContentRoot) -> GpkgDescription? {
    entries[root]
  }

  mutating func keep(_ description: GpkgDescription, of root: ContentRoot) {
    if entries.updateValue(description, forKey: root) == nil { order.append(root) }
    // Half at a time, so that shifting the order stays cheap.
    if order.count > capacity {
      for old in order.prefix(capacity / 2) { entries[old] = nil }
      order.removeFirst(capacity / 2)
    }
  }
}
