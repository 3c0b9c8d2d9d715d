import Testing
import Wire

@Suite struct SortedSearchTests {
  @Test(arguments: 0..<200 as Range<UInt64>)
  func itFindsWhatALinearSearchFinds(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let count = Int.random(in: 0...40, using: &random)
    let sorted = (0..<count).map { _ in Int.random(in: 0...20, using: &random) }.sorted()
    for sought in -1...21 {
      let linear = sorted.firstIndex { $0 >= sought } ?? sorted.endIndex
      #expect(sorted.partitioningIndex(afterThose: { $0 < sought }) == linear)
      let slice = sorted.dropFirst(count / 3)
      let inSlice = slice.firstIndex { $0 >= sought } ?? slice.endIndex
      #expect(slice.partitioningIndex(afterThose: { $0 < sought }) == inSlice)
    }
  }
}
