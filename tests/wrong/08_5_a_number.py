more = {4: 1, 5: None, 6: None, 7: None, 8: None, 9: None, 10: None}
