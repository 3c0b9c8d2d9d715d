import Dispatch
import Portage
import Synchronization

/// Looks at each listing's entry, file and place in the pool, on all processors.
struct PoolCheck: Sendable {
  /// How a file stands in the pool.
  enum Link: Sendable {
    /// It is linked there.
    case isThere
    /// Nothing is there.
    case isAbsent
    /// Another file is there.
    case isOther
  }

  /// What was found about one listing.
  enum State: Sendable {
    case sound(cpv: String, path: String, link: Link)
    case refused(cpv: String, reason: String)
  }

  let pool: String
  let files: IndexFiles

  /// Listings that one thread looks at in a row.
  private static let batch = 512

  /// What was found, in the listings' order.
  func run(
    _ listings: some RandomAccessCollection<BinhostListing> & Sendable
  ) -> [State] {
    let count = listings.count
    let batches = (count + Self.batch - 1) / Self.batch
    let found = Mutex<[Int: [State]]>([:])
    DispatchQueue.concurrentPerform(iterations: batches) { number in
      let range = number * Self.batch..<min(count, (number + 1) * Self.batch)
      var states: [State] = []
      states.reserveCapacity(range.count)
      var index = listings.index(listings.startIndex, offsetBy: range.lowerBound)
      for _ in range {
        states.append(state(of: listings[index]))
        index = listings.index(after: index)
      }
      found.withLock { $0[number] = states }
    }
    return found.withLock { found in
      var all: [State] = []
      all.reserveCapacity(count)
      for number in 0..<batches { all += found.removeValue(forKey: number) ?? [] }
      return all
    }
  }

  private func state(of listing: BinhostListing) -> State {
    let facts: PrintedEntry.Facts
    do {
      facts = try listing.entry.check()
    } catch {
      let cpv = listing.entry["CPV"] ?? "?"
      return .refused(cpv: cpv, reason: "Portage would not read its entry: \(error)")
    }
    func refused(_ reason: String) -> State { .refused(cpv: facts.cpv, reason: reason) }
    guard facts.path.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 2 else {
      return refused("its PATH is not category/package/file")
    }
    guard let size = facts.size else { return refused("its entry lacks SIZE") }
    guard facts.hasDigest else { return refused("its entry has neither MD5 nor SHA1") }
    guard let file = files.status(listing.file), file.isPlain else {
      return refused("the file is not here")
    }
    guard file.size == size else {
      return refused("the file has \(file.size) bytes instead of \(size)")
    }
    guard let linked = files.status("\(pool)/\(facts.path)") else {
      return .sound(cpv: facts.cpv, path: facts.path, link: .isAbsent)
    }
    let isThere = linked.isSameFile(as: file)
    return .sound(cpv: facts.cpv, path: facts.path, link: isThere ? .isThere : .isOther)
  }
}
