"""Each arrow of the way of the data as a recorded run, and looking back at them."""
